//go:build linux

// Command probe tells what a guest looks like from inside.
package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

func main() {
	code, _ := strconv.Atoi(os.Args[1])
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	fmt.Println("release", strings.TrimSpace(string(release)))
	fmt.Println("argument", os.Args[2])
	fmt.Println("GREETING", os.Getenv("GREETING"))
	fmt.Println("tracefs events", there("/sys/kernel/tracing/events/sched/sched_switch/format"))
	fmt.Println("btf", there("/sys/kernel/btf/vmlinux"))
	if lo, err := net.InterfaceByName("lo"); err == nil && lo.Flags&net.FlagUp != 0 {
		fmt.Println("lo up")
	}
	if err := os.WriteFile("/scratch/file", []byte("x"), 0o644); err == nil {
		fmt.Println("scratch writable")
	}
	os.Exit(code)
}

func there(path string) string {
	if _, err := os.Stat(path); err != nil {
		return err.Error()
	}
	return "there"
}
