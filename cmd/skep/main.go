// Command skep compiles and runs BPF programs written in the bpftrace language.
package main

import (
	"os"
	"runtime"

	"github.com/skep-bpf/skep/internal/cli"
)

// begin and end probes run on the thread that asks for them: on the first one tid is pid.
func init() { runtime.LockOSThread() }

func main() { os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
