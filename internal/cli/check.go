package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/tools"
)

// checkFlags are the flags of `skep check`.
type checkFlags struct {
	program       string
	errors        string
	include, dirs []string
	unsafe        bool
	silent        bool
}

func (f *checkFlags) register(set *pflag.FlagSet) {
	set.SortFlags = false
	set.StringVarP(&f.program, "eval", "e", "", "check this `program`")
	set.StringVar(&f.errors, "error-format", "text", "`form` of messages: text, short (or line) or json")
	set.BoolVar(&f.silent, "no-warnings", false, "print no warnings and notes")
	set.BoolVar(&f.unsafe, "unsafe", false, "allow what changes the system: system(), signal() …")
	set.StringArrayVarP(&f.dirs, "include-dir", "I", nil, "look for C headers in `DIR`")
	set.StringArrayVar(&f.include, "include", nil, "include the C header `FILE`")
}

// checkCommand is `skep check`.
func (a *app) checkCommand() *cobra.Command {
	flags := new(checkFlags)
	c := &cobra.Command{
		Use:   "check [options] FILE … | -e PROGRAM [-- ARGS]",
		Short: "Check scripts without running them",
		Long: "Check scripts: their grammar, types and attach points, and whether they compile for\n" +
			"this kernel. Nothing is loaded, and neither root nor a capability is needed: what\n" +
			"this user may not read, such as tracefs, is noted and left unchecked. All mistakes\n" +
			"are told at once. The file - is stdin; what follows -- is given to the scripts.\n\n" +
			"The status is 0 when there are no errors, 1 when there are, and 2 for wrong usage.",
		Example: "  skep check *.bt\n  skep check --error-format=json tool.bt\n" +
			"  skep check tool.bt -- -p 181 5",
		RunE: func(c *cobra.Command, args []string) error {
			files, given := args, []string(nil)
			if n := c.ArgsLenAtDash(); n >= 0 {
				files, given = args[:n], args[n:]
			}
			return a.check(flags, files, given)
		},
	}
	flags.register(c.Flags())
	return c
}

// check checks the files, or -e's program, with the arguments given to the script.
func (a *app) check(flags *checkFlags, files, given []string) error {
	switch {
	case flags.program != "" && len(files) > 0:
		return usagef("-e and files exclude each other\nsee `skep check -h`")
	case flags.program == "" && len(files) == 0:
		return usagef("check takes files, or -e and a program\nsee `skep check -h`")
	case flags.errors == "line":
		flags.errors = "short"
	case !oneOf(flags.errors, "text short json"):
		return usagef("--error-format is one of text, short, json, not %q", flags.errors)
	}
	var sum checkTally
	if flags.program != "" {
		j := flags.job()
		j.Name, j.Text = "stdin", flags.program
		if err := a.checkOne(j, given, &sum); err != nil {
			return err
		}
	}
	for _, path := range files {
		j := flags.job()
		if err := a.load(j, path); err != nil {
			rep := diag.NewReporter(new(diag.Sources))
			rep.Errorf("", diag.Span{}, "%v", err)
			a.report(rep.Sources, rep, flags.errors)
			sum.files++
			sum.unread++
			continue
		}
		if err := a.checkOne(j, given, &sum); err != nil {
			return err
		}
	}
	if flags.errors == "text" {
		fmt.Fprint(a.err, sum)
	}
	return exit(sum.status())
}

func (f *checkFlags) job() *Job {
	j := &Job{
		Dir: ".", ErrorStyle: f.errors, Warnings: 1, Unsafe: f.unsafe, IncludeDirs: f.dirs, Includes: f.include, CheckOnly: true,
	}
	if f.silent {
		j.Warnings = 0
	}
	return j
}

// checkOne checks a loaded script. The error is a mistake in what is given to it.
func (a *app) checkOne(j *Job, given []string, sum *checkTally) error {
	rep := diag.NewReporter(new(diag.Sources))
	src := rep.Sources.Add(j.Name, j.Text)
	j.Header = tools.ParseHeader(src, rep)
	if !rep.Failed() {
		if err := j.give(given); err != nil {
			return err
		}
		m := newMachine(j)
		defer m.Close()
		rep = diag.NewReporter(new(diag.Sources))
		a.compileScript(j, m, 0, rep)
	}
	a.show(rep.Sources, j.wanted(rep), j.ErrorStyle)
	sum.add(rep, len(errorsOf(rep.All())))
	return nil
}

// wanted is what's reported of rep: without warnings, if the job has none, only errors.
func (j *Job) wanted(rep *diag.Reporter) []*diag.Diagnostic {
	if j.Warnings == 0 {
		return errorsOf(rep.All())
	}
	return rep.All()
}

// give gives the script its arguments. Without any, those that the script needs are open.
func (j *Job) give(args []string) error {
	j.Open = len(args) == 0
	switch {
	case j.Header == nil:
		j.Params, j.Named = plainArgs(args)
	case j.Open:
		for _, arg := range j.Header.Args {
			j.Params = append(j.Params, arg.Default)
		}
	default:
		return j.takeArgs(args, j.Name)
	}
	return nil
}

func errorsOf(list []*diag.Diagnostic) []*diag.Diagnostic {
	var errs []*diag.Diagnostic
	for _, d := range list {
		if d.Severity == diag.Error {
			errs = append(errs, d)
		}
	}
	return errs
}

// checkTally counts what a check has found.
type checkTally struct {
	files, bad, unread int // scripts: all, with errors, that couldn't be read
	errors             int
	usage              bool // the errors are all about what is given to the scripts
}

func (s *checkTally) add(rep *diag.Reporter, errors int) {
	s.files++
	if !rep.Failed() {
		return
	}
	s.usage = statusOf(rep, false) == exitUsage && (s.usage || s.bad == 0)
	s.bad++
	s.errors += errors
}

func (s checkTally) status() int {
	switch {
	case s.bad+s.unread == 0:
		return exitOK
	case s.usage && s.unread == 0:
		return exitUsage
	}
	return exitError
}

// String is the line below all messages; empty when nothing is wrong.
func (s checkTally) String() string {
	if s.bad+s.unread == 0 {
		return ""
	}
	var parts []string
	if s.bad > 0 {
		parts = append(parts, fmt.Sprintf("%s in %d of %s", count(s.errors, "error"), s.bad, count(s.files, "file")))
	}
	if s.unread > 0 {
		parts = append(parts, fmt.Sprintf("%s not read", count(s.unread, "file")))
	}
	return strings.Join(parts, "; ") + "\n"
}

// count is a number of things: "1 error", "2 errors".
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}
