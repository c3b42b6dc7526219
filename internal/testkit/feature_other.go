//go:build !linux

package testkit

func fentry() string { return "this isn't Linux" }
