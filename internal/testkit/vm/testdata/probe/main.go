//go:build linux

// Command probe tells what a guest looks like from inside.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/skep-bpf/skep/internal/testkit/vm/guest"
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
	fmt.Println("peer", peer())
	if out, err := exec.Command("sh", "-c", "cat /proc/self/comm").Output(); err == nil {
		fmt.Print("shell runs ", string(out))
	}
	left := errors.Join(os.Mkdir("/artefacts/left", 0o755), os.WriteFile("/artefacts/left/here", []byte("by the probe"), 0o644))
	if left != nil {
		fmt.Println(left)
	}
	if err := os.WriteFile("/scratch/file", []byte("x"), 0o644); err == nil {
		fmt.Println("scratch writable")
	}
	os.Exit(code)
}

// peer says what was heard through the pair of Ethernet devices, from the network
// namespace at its other end.
func peer() string {
	near, _, _ := net.ParseCIDR(guest.NearAddr)
	listener, err := net.Listen("tcp", net.JoinHostPort(near.String(), "0"))
	if err != nil {
		return err.Error()
	}
	defer listener.Close()
	failed := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread stays in the other namespace
		failed <- sayFrom(guest.NetnsFile, listener.Addr().String())
	}()
	if err := listener.(*net.TCPListener).SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err.Error()
	}
	conn, err := listener.Accept()
	if err != nil {
		return errors.Join(err, <-failed).Error()
	}
	defer conn.Close()
	said, err := io.ReadAll(conn)
	if err != nil {
		return err.Error()
	}
	from, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	return from + " says " + string(said)
}

// sayFrom connects from a network namespace and says hello.
func sayFrom(namespace, addr string) error {
	f, err := os.Open(namespace)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err != nil {
		return err
	}
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	_, err = io.WriteString(conn, "hello")
	return errors.Join(err, conn.Close())
}

func there(path string) string {
	if _, err := os.Stat(path); err != nil {
		return err.Error()
	}
	return "there"
}
