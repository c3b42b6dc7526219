// Package cli is the command line: one file a command. Commands read their flags, make a
// Job of them, and leave what a job is to the run path.
package cli

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/tools"
)

// Exit statuses. A script that calls exit(N) ends with N.
const (
	exitOK    = 0
	exitError = 1 // the script or the machine
	exitUsage = 2 // the command line

	exitRefused = 255 // called as bpftrace: the kernel refused a program
)

// app is one call of the program: its streams, and how it runs jobs.
type app struct {
	in       io.Reader
	out, err io.Writer
	// run does a job and returns the exit status.
	run func(*app, *Job) int
}

// Main runs the command line args, args[0] being the program's name, and returns the exit
// status. Called by the name bpftrace or bpftool it takes that one's flags.
func Main(args []string, in io.Reader, out, err io.Writer) int {
	a := &app{in: in, out: out, err: err, run: runJob}
	return a.main(args)
}

func (a *app) main(args []string) int {
	switch filepath.Base(args[0]) {
	case "bpftrace":
		return a.bpftrace(args[1:])
	case "bpftool":
		return a.bpftool(args[1:])
	}
	root := a.root(args[1:]...)
	root.SetArgs(args[1:])
	if len(args) > 1 && wantsAllHelp(args[1]) {
		describeTools(root)
	}
	err := root.Execute()
	var status exitStatus
	var usage *tools.UsageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	case errors.As(err, &usage), errors.As(err, new(usageError)):
		fmt.Fprintf(a.err, "skep: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(a.err, "skep: %v\n", err)
	return exitError
}

// exitStatus ends a command with a status; what there was to say has been said.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// exit is the error for an exit status; nil for 0.
func exit(status int) error {
	if status == exitOK {
		return nil
	}
	return exitStatus(status)
}

// usageError is a mistake on the command line.
type usageError string

func (e usageError) Error() string { return string(e) }

func usagef(format string, args ...any) error { return usageError(fmt.Sprintf(format, args...)) }

// command gives a command the streams and the manners that all have: no usage text
// after errors, and wrong flags are mistakes of usage.
func (a *app) command(c *cobra.Command) *cobra.Command {
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetIn(a.in)
	c.SetOut(a.out)
	c.SetErr(a.err)
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%v\nsee `%s -h`", err, c.CommandPath())
	})
	return c
}

// wantArgs checks the number of arguments; most -1 is any number.
func wantArgs(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return usagef("%s takes %s\nsee `%s -h`", c.CommandPath(), what, c.CommandPath())
		}
		return nil
	}
}
