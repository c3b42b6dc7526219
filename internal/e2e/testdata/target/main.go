// Command target does a known number of things that tests trace.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	n := 1
	if len(os.Args) > 2 {
		n, _ = strconv.Atoi(os.Args[2])
	}
	switch os.Args[1] {
	case "getppid": // N system calls that nothing else in this process makes
		for range n {
			syscall.Getppid()
		}
	case "call": // N calls of main.Called, and of main.Mixed, with 1 … N
		for i := range n {
			Called(i + 1)
			Mixed(i+1, "word", 7)
		}
	case "deep": // N calls of main.Called, below a function that was inlined into main.Deep
		for i := range n {
			Deep(i + 1)
		}
	case "grow": // N goroutines whose stacks grow
		growAll(n)
	case "read": // reads the file given next, N times
		for range n {
			read(os.Args[3])
		}
	case "cat": // prints the file given next
		f, err := os.Open(os.Args[3])
		if err == nil {
			_, err = io.Copy(os.Stdout, f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "cp": // makes a copy of a program: `cp FROM TO`
		data, err := os.ReadFile(os.Args[2])
		if err == nil {
			err = os.WriteFile(os.Args[3], data, 0o755)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "fault": // writes to N new pages, a page fault for each
		fault(n)
	case "touch": // writes 1 … N to address 0x10000000, then reads it N times
		touch(n)
	case "connect": // opens a TCP connection to the address given next, and closes it
		conn, err := net.Dial("tcp", os.Args[2])
		exitOn(err)
		conn.Close()
	case "within": // N getppid in a cgroup: `within DIR N`
		within(os.Args[2], os.Args[3])
	case "passing": // N getppid in a cgroup that is made for them and removed: `passing DIR N`
		exitOn(os.Mkdir(os.Args[2], 0o755))
		within(os.Args[2], os.Args[3])
		enter(filepath.Dir(os.Args[2]))
		exitOn(os.Remove(os.Args[2]))
	case "stay": // getppid in a cgroup again and again, until stdin ends: `stay DIR`
		enter(os.Args[2])
		stay()
	case "clock": // sets the wall clock N seconds on, or back
		var now syscall.Timeval
		exitOn(syscall.Gettimeofday(&now))
		now.Sec += int64(n)
		exitOn(syscall.Settimeofday(&now))
	case "udp": // N datagrams of SIZE bytes to itself: `udp N SIZE ADDRESS`
		size, err := strconv.Atoi(os.Args[3])
		exitOn(err)
		exitOn(datagrams(n, size, os.Args[4]))
	case "fail":
		os.Exit(1)
	case "fds": // the descriptors that it was started with
		for fd := range 64 {
			var st syscall.Stat_t
			if syscall.Fstat(fd, &st) == nil && st.Mode&syscall.S_IFMT == 0 {
				fmt.Println("anonymous descriptor", fd)
			}
		}
		fmt.Println("looked")
	case "contain": // waits with N calls of main.Called, in namespaces and a root directory of its own
		contain(os.Args[2:])
	case "contained":
		contained(n)
	case "delegate": // runs a command as root of a user namespace with a bpffs: `delegate OPTIONS DIR CMD…`
		exitOn(delegate(os.Args[2:]))
	case "delegated":
		exitOn(delegated(os.Args[2:]))
	case "jit": // until stdin ends, then N getppid in generated code
		_, _ = io.Copy(io.Discard, os.Stdin)
		exitOn(jit(n))
	case "vdso": // N system calls from within the vDSO
		exitOn(vdso(n))
	case "wait": // until stdin ends, then N getppid
		_, _ = io.Copy(io.Discard, os.Stdin)
		for range n {
			syscall.Getppid()
		}
	}
}

// exitOn ends the process when err isn't nil: as a command did, or with 1.
func exitOn(err error) {
	if err == nil {
		return
	}
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(ended.ExitCode())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Called is what uprobes are set on.
//
//go:noinline
func Called(n int) int { return n * 2 }

// Deep is where shallow is inlined.
//
//go:noinline
func Deep(n int) int { return shallow(n) + 1 }

func shallow(n int) int { return hop(n) + 2 }

// hop has a frame: of the function that a probe is at the stack leaves out the direct caller.
//
//go:noinline
func hop(n int) int { return Called(n) + 3 }

// read reads a file, 12345 bytes at a time, by which its reads are known.
func read(file string) {
	f, err := os.Open(file)
	buf := make([]byte, 12345)
	for err == nil {
		_, err = f.Read(buf)
	}
	f.Close()
	if err != io.EOF {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fault(pages int) {
	mem, err := syscall.Mmap(-1, 0, pages*os.Getpagesize(), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err == nil {
		const noHugePages = 15 // MADV_NOHUGEPAGE
		err = syscall.Madvise(mem, noHugePages)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for page := range pages {
		mem[page*os.Getpagesize()] = 1
		if page%100 == 99 {
			time.Sleep(5 * time.Millisecond) // the kernel throttles events that come too often
		}
	}
}

// touched is where touch has its number.
const touched = 0x10000000

func touch(n int) {
	_, _, errno := syscall.Syscall6(syscall.SYS_MMAP, touched, 4096, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_PRIVATE|syscall.MAP_ANON|syscall.MAP_FIXED, ^uintptr(0), 0)
	if errno != 0 {
		fmt.Fprintln(os.Stderr, errno)
		os.Exit(1)
	}
	at := (*uint64)(unsafe.Add(unsafe.Pointer(nil), touched))
	for i := range n {
		store(at, uint64(i+1))
	}
	for range n {
		load(at)
	}
}

//go:noinline
func store(at *uint64, v uint64) { *at = v }

//go:noinline
func load(at *uint64) uint64 { return *at }
