package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/expand"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/tools"
)

// runCommand is `skep run FILE`.
func (a *app) runCommand(flags *runFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "run [options] FILE [ARGS] [--NAME=VALUE]",
		Short: "Run a script",
		Long: "Run a script. What follows the file belongs to the script: its positional\n" +
			"parameters $1, $2 … and its options, which `skep run FILE -h` shows.",
		Args: wantArgs(1, -1, "a script"),
		RunE: func(_ *cobra.Command, args []string) error { return a.file(flags, args) },
		Example: "  skep run opensnoop.bt\n  skep run -p 181 tool.bt -mT 1 5\n" +
			"  skep run tool.bt -- --threshold=10",
	}
	flags.register(c.Flags())
	c.Flags().SetInterspersed(false)
	return c
}

// program runs -e's program.
func (a *app) program(flags *runFlags, args []string) error {
	j, err := flags.job()
	if err != nil {
		return err
	}
	j.Name, j.Text = "stdin", flags.program
	return a.script(j, args, "skep -e …")
}

// file runs the script args[0] with the arguments that follow.
func (a *app) file(flags *runFlags, args []string) error {
	j, err := flags.job()
	if err != nil {
		return err
	}
	if err := a.load(j, args[0]); err != nil {
		return err
	}
	return a.script(j, args[1:], "skep "+args[0])
}

// load reads a script from a file, or from stdin as "-".
func (a *app) load(j *Job, path string) error {
	var text []byte
	var err error
	if path == "-" {
		j.Name = "stdin"
		text, err = io.ReadAll(a.in)
	} else {
		j.Name, j.Dir = path, filepath.Dir(path)
		text, err = os.ReadFile(path)
	}
	j.Text = string(text)
	if err == nil {
		return nil
	}
	return fmt.Errorf("read the script: %w", err)
}

// script gives a loaded script its arguments and runs it, or shows its help.
func (a *app) script(j *Job, args []string, name string) error {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	j.Header = tools.ParseHeader(sources.Add(j.Name, j.Text), rep)
	if rep.Failed() {
		a.report(&sources, rep, j.ErrorStyle)
		return exit(exitError)
	}
	if j.Header == nil {
		j.Params, j.Named = plainArgs(args)
		if slices.Contains(j.Named, askForHelp) {
			return a.plainHelp(j, name)
		}
		return exit(a.run(a, j))
	}
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	err := j.takeArgs(args, name)
	if errors.Is(err, errHelp) {
		fmt.Fprint(a.out, j.Header.Usage(name))
		return nil
	}
	if err != nil {
		return err
	}
	return exit(a.run(a, j))
}

// errHelp: the script's arguments ask for its help.
var errHelp = errors.New("help is asked for")

// takeArgs gives a script with an option header its arguments; the error is errHelp or a
// mistake in them. name is how the script was called.
func (j *Job) takeArgs(args []string, name string) error {
	v, err := j.Header.Parse(j.takeTimes(args))
	var usage *tools.UsageError
	switch {
	case errors.As(err, &usage):
		return usagef("%s: %v\nsee `%s -h`", strings.TrimPrefix(name, "skep "), err, name)
	case v.Help:
		return errHelp
	}
	j.Params = v.Params
	for _, o := range j.Header.Options {
		if value, ok := v.Named[o.Long]; ok {
			if o.Dir != "" {
				if filepath.IsAbs(value) {
					value = filepath.Base(value)
				}
				if value == "" || !exists(o.Dir+value) {
					return usagef("%s: there is no %s%s for option --%s", strings.TrimPrefix(name, "skep "), o.Dir, value, o.Long)
				}
			}
			j.Named = append(j.Named, expand.Named{Name: o.Long, Value: value})
		}
	}
	return nil
}

// takeTimes takes --utc and --iso out of a tool's arguments: they stand behind its name too, as
// long as the tool has no such options of its own.
func (j *Job) takeTimes(args []string) []string {
	var rest []string
	for i, arg := range args {
		own := slices.ContainsFunc(j.Header.Options, func(o tools.Option) bool { return "--"+o.Long == arg })
		switch {
		case arg == "--":
			return append(rest, args[i:]...)
		case arg == "--utc" && !own:
			j.UTC = true
		case arg == "--iso" && !own:
			j.ISO = true
		default:
			rest = append(rest, arg)
		}
	}
	return rest
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// askForHelp is the option by which a script without an option header is asked for its options.
var askForHelp = expand.Named{Name: "help", Bare: true}

// plainHelp shows the options of a script without an option header, as its getopt calls
// tell them.
func (a *app) plainHelp(j *Job, name string) error {
	rep := diag.NewReporter(new(diag.Sources))
	ids := new(syntax.IDs)
	script := syntax.Parse(rep.Sources.Add(j.Name, j.Text), ids, rep)
	if !rep.Failed() {
		r := expand.Expand(script, expand.Options{
			Params: j.Params, Files: osFiles{}, Dir: j.Dir, IncludeDirs: j.IncludeDirs, Includes: j.Includes,
			HaveBTF: true, IsBuiltin: types.IsBuiltin,
		}, ids, rep)
		own := slices.ContainsFunc(r.Options, func(o types.Option) bool { return o.Name == "help" })
		switch {
		case own:
			return exit(a.run(a, j))
		case !rep.Failed() && j.Bpftrace:
			fmt.Fprint(a.err, optionHint(r.Options))
			return nil
		case !rep.Failed():
			fmt.Fprint(a.out, tools.FromOptions(j.Name, r.Options).Usage(name))
			return nil
		}
	}
	a.report(rep.Sources, rep, j.ErrorStyle)
	return exit(exitError)
}

// optionHint is bpftrace's list of a script's options, one a line.
func optionHint(options []types.Option) string {
	if len(options) == 0 {
		return "HINT: no custom program options defined.\n"
	}
	var b strings.Builder
	b.WriteString("HINT: expected program options:\n")
	for _, o := range options {
		fmt.Fprintf(&b, "--%s", o.Name)
		if o.Help != "" {
			fmt.Fprintf(&b, ": %s", o.Help)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// plainArgs divides the arguments of a script without an option header as bpftrace does:
// --name=value and --name are for getopt, the others are $1, $2 …; a first -- is dropped.
func plainArgs(args []string) (params []string, named []expand.Named) {
	dashes := false
	for _, arg := range args {
		name, isNamed := strings.CutPrefix(arg, "--")
		switch {
		case arg == "--" && !dashes:
			dashes = true
		case !isNamed:
			params = append(params, arg)
		default:
			name, value, found := strings.Cut(name, "=")
			named = append(named, expand.Named{Name: name, Value: value, Bare: !found})
		}
	}
	return params, named
}

// list is `skep -l [SEARCH or FILE]`.
func (a *app) list(flags *runFlags, args []string) error {
	if len(args) > 1 {
		return usagef("-l takes one search or file")
	}
	j, err := flags.job()
	if err != nil {
		return err
	}
	if len(args) == 1 {
		if _, err := os.Stat(args[0]); err == nil {
			if err := a.load(j, args[0]); err != nil {
				return err
			}
			return exit(a.run(a, j))
		}
		j.Search = args[0]
		a.warnSearch(j.Search)
	}
	if j.Search == "" || j.Search == "*" {
		j.Search = "*:*"
	}
	return exit(a.run(a, j))
}

// warnSearch warns of a search that looks like the name of a file.
func (a *app) warnSearch(search string) {
	if strings.Contains(search, ".") && !strings.ContainsAny(search, ":*") {
		fmt.Fprintf(a.err, "WARNING: It appears that '%s' is a filename but the file does not exist. Treating '%s' as a search pattern.\n", search, search)
	}
}

// report writes what rep holds in the wanted style.
func (a *app) report(sources *diag.Sources, rep *diag.Reporter, style string) {
	a.show(sources, rep.All(), style)
}

// show writes diagnostics in the wanted style.
func (a *app) show(sources *diag.Sources, list []*diag.Diagnostic, style string) {
	switch style {
	case "json":
		_ = diag.WriteJSON(a.err, sources, list)
	case "short":
		_ = diag.WriteLines(a.err, sources, list)
	case "bpftrace":
		_ = writeBpftraceForm(a.err, sources, list, colored(a.err))
	default:
		_ = diag.WriteText(a.err, sources, list, colored(a.err))
	}
}

// statusOf is the exit status for a script with errors: wrong usage if all of them are about
// values in the environment or, unless called as bpftrace, of the script's options. bpftrace
// ends like that when its C compiler refuses the script's C.
func statusOf(rep *diag.Reporter, bpftrace bool) int {
	for _, d := range rep.All() {
		option := d.Code == diag.CodeOptionUnknown || d.Code == diag.CodeOptionValue
		environ := d.Code == diag.CodeConfigValue && !d.Span.IsValid()
		switch {
		case d.Severity != diag.Error || environ || option && !bpftrace:
		case bpftrace && slices.Contains(compilerCodes, d.Code):
			return exitUsage
		default:
			return exitError
		}
	}
	return exitUsage
}

// compilerCodes are the mistakes in a script's C that bpftrace leaves to its C compiler.
var compilerCodes = []diag.Code{
	diag.CodeCDirective, diag.CodeCError, diag.CodeCHeader, diag.CodeCSyntax, diag.CodeCType, diag.CodeCTwice,
}

// isTerminal reports whether w is a character device, where colors are of use.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
