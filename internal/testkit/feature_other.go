//go:build !linux

package testkit

const notLinux = "this isn't Linux"

func fentry() string      { return notLinux }
func tracefs() string     { return notLinux }
func kprobeMulti() string { return notLinux }
func watchpoint() string  { return notLinux }
