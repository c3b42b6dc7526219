//go:build linux

// Command run runs a program in a guest, for looking at what a test saw:
//
//	go run ./internal/testkit/vm/run [flags] SERIES COMMAND [ARG...]
//
// SERIES is 5.10, 6.1, 6.12 or 7. The command is a static program of this machine, which
// the guest gets as /bin/NAME. Its exit status is the exit status.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/skep-bpf/skep/internal/testkit/vm"
)

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(125)
	}
	os.Exit(code)
}

func run() (int, error) {
	c := vm.Config{Stdout: os.Stdout, Stderr: os.Stderr}
	flag.IntVar(&c.Disk, "disk", 0, "`MiB` of a scratch disk, ext4 at /scratch")
	flag.IntVar(&c.Memory, "mem", 0, "`MiB` of memory")
	flag.IntVar(&c.CPUs, "cpus", 0, "`number` of CPUs")
	flag.DurationVar(&c.Timeout, "timeout", 2*time.Minute, "limit of the whole run")
	flag.StringVar(&c.Append, "append", "", "more kernel `parameters`")
	flag.StringVar(&c.Dir, "dir", "/", "working directory in the guest")
	flag.Func("env", "`NAME=VALUE` for the command", func(s string) error {
		c.Env = append(c.Env, s)
		return nil
	})
	flag.Func("file", "`HOST:GUEST`: a file or directory to take along", func(s string) error {
		host, guest, ok := strings.Cut(s, ":")
		if !ok || !path.IsAbs(guest) {
			return fmt.Errorf("want HOST:/GUEST")
		}
		c.Files = append(c.Files, vm.File{Host: host, Guest: guest})
		return nil
	})
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		return 2, nil
	}
	series, program := flag.Arg(0), flag.Arg(1)
	in := "/bin/" + filepath.Base(program)
	c.Files = append(c.Files, vm.File{Host: program, Guest: in})
	c.Args = append([]string{in}, flag.Args()[2:]...)
	for _, s := range vm.AllSeries() {
		if s.Name == series {
			var err error
			if c.Kernel, err = vm.Fetch(s); err != nil {
				return 0, err
			}
			return vm.Run(context.Background(), c)
		}
	}
	return 0, fmt.Errorf("no kernel series %s", series)
}
