package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// enter moves this process into a cgroup.
func enter(dir string) {
	exitOn(os.WriteFile(dir+"/cgroup.procs", []byte(strconv.Itoa(os.Getpid())), 0))
}

// within calls getppid in a cgroup.
func within(dir, times string) {
	n, err := strconv.Atoi(times)
	exitOn(err)
	enter(dir)
	for range n {
		syscall.Getppid()
	}
}

// stay says that it's there, and calls getppid every millisecond until stdin ends.
func stay() {
	var ended atomic.Bool
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		ended.Store(true)
	}()
	fmt.Println("here")
	for !ended.Load() {
		syscall.Getppid()
		time.Sleep(time.Millisecond)
	}
}
