//go:build !amd64

package main

import "errors"

func jit(int) error  { return errors.ErrUnsupported }
func vdso(int) error { return errors.ErrUnsupported }
