// Command skep compiles and runs BPF programs written in the bpftrace language.
package main

import (
	"os"

	"github.com/skep-bpf/skep/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args, os.Stdin, os.Stdout, os.Stderr)) }
