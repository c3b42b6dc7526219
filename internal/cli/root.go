package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/tools"
)

// runFlags are the flags for running a script, which stand before it or before a tool's name.
type runFlags struct {
	program  string
	output   string
	format   string
	errors   string
	buffer   string
	command  string
	pid      string
	duration string
	include  []string
	dirs     []string
	dump     []string
	verbose  int
	quiet    bool
	unsafe   bool
	usdt     bool
	unwind   []int
	list     bool
	dryRun   bool
	reads    bool
	silent   bool
	version  bool
	utc      bool
	iso      bool
}

func (r *runFlags) register(f *pflag.FlagSet) {
	f.SortFlags = false
	f.StringVarP(&r.program, "eval", "e", "", "run this `program`")
	f.StringVarP(&r.command, "cmd", "c", "", "run the `command` and trace it")
	f.StringVarP(&r.pid, "pid", "p", "", "trace only the process `PID`")
	f.StringVar(&r.duration, "duration", "", "end after this `time`: 10, 500ms, 2m")
	f.StringVarP(&r.format, "format", "f", "text", "output `format`: text or json")
	f.StringVarP(&r.output, "output", "o", "", "write the output to `FILE`")
	f.StringVarP(&r.buffer, "buffer", "B", "", "output buffering `mode`: line, full or none")
	f.BoolVar(&r.utc, "utc", false, "print times in UTC; else the zone is that of TZ, or the machine's")
	f.BoolVar(&r.iso, "iso", false, "print times of day as date and time of ISO 8601")
	f.BoolVarP(&r.quiet, "quiet", "q", false, "print only what the script prints")
	f.CountVarP(&r.verbose, "verbose", "v", "tell more; twice: verifier logs of all programs")
	f.BoolVarP(&r.list, "list", "l", false, "list probes, with -v their arguments")
	f.BoolVar(&r.unsafe, "unsafe", false, "allow what changes the system: system(), signal() …")
	f.BoolVar(&r.dryRun, "dry-run", false, "end when all is attached")
	f.BoolVarP(&r.reads, "warnings", "k", false, "warn of failed reads in the probes")
	f.BoolVar(&r.silent, "no-warnings", false, "print no warnings")
	f.BoolVar(&r.usdt, "usdt-file-activation", false, "activate USDT probes in all processes of the file")
	f.IntSliceVar(&r.unwind, "dwarf-pid", nil, "a process `PID` whose stacks dw_ustack unwinds, beside those of -p and -c")
	f.StringArrayVarP(&r.dirs, "include-dir", "I", nil, "look for C headers in `DIR`")
	f.StringArrayVar(&r.include, "include", nil, "include the C header `FILE`")
	f.StringSliceVar(&r.dump, "dump", nil, "print `stages` of compiling: ast, types, ssa, ssa:PASS, insns")
	f.StringVar(&r.errors, "error-format", "text", "`form` of messages: text, short or json")
	f.BoolVarP(&r.version, "version", "V", false, "print the version")
}

// job starts a Job with what the flags say.
func (r *runFlags) job() (*Job, error) {
	j := &Job{
		Dir: ".", Output: r.output, Format: r.format, Buffering: r.buffer, ErrorStyle: r.errors, Command: r.command,
		Quiet: r.quiet, Verbose: r.verbose, Warnings: 1, Unsafe: r.unsafe, USDTByFile: r.usdt, List: r.list,
		DryRun: r.dryRun, Dump: r.dump, IncludeDirs: r.dirs, Includes: r.include, UTC: r.utc, ISO: r.iso,
	}
	for _, stage := range r.dump {
		if !slices.Contains(compiler.Stages(), stage) {
			return nil, usagef("--dump: there is no stage %q; stages are %s", stage, strings.Join(compiler.Stages(), ", "))
		}
	}
	switch {
	case r.reads && r.silent:
		return nil, usagef("--warnings and --no-warnings exclude each other")
	case r.command != "" && r.pid != "":
		return nil, usagef("-c and -p exclude each other")
	case r.reads:
		j.Warnings = 2
	case r.silent:
		j.Warnings = 0
	}
	for _, c := range []struct{ flag, value, choices string }{
		{"-f", r.format, "text json"}, {"--error-format", r.errors, "text short json"}, {"-B", r.buffer, " line full none"},
	} {
		if !oneOf(c.value, c.choices) {
			return nil, usagef("%s is one of %s, not %q", c.flag, strings.Join(strings.Fields(c.choices), ", "), c.value)
		}
	}
	var err error
	if r.pid != "" {
		if j.Pid, err = strconv.Atoi(r.pid); err != nil || j.Pid < 1 || j.Pid > maxPid {
			return nil, usagef("%q is no process id", r.pid)
		}
	}
	for _, pid := range r.unwind {
		if pid < 1 || pid > maxPid {
			return nil, usagef("%d is no process id", pid)
		}
	}
	j.UnwindPids = r.unwind
	if r.duration != "" {
		if j.Duration, err = parseDuration(r.duration); err != nil {
			return nil, usagef("--duration takes a time such as 10, 500ms or 2m, not %q", r.duration)
		}
	}
	return j, nil
}

// maxPid is the largest that kernel.pid_max can be on 64 bits: PID_MAX_LIMIT, linux/threads.h.
const maxPid = 4 << 20

// oneOf reports whether value is one of the words; a leading blank allows "".
func oneOf(value, words string) bool {
	for _, w := range strings.Split(words, " ") {
		if w == value {
			return true
		}
	}
	return false
}

// parseDuration reads a time; a bare number is seconds.
func parseDuration(s string) (time.Duration, error) {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		s = fmt.Sprint(n) + "s"
	}
	d, err := time.ParseDuration(s)
	if err == nil && d <= 0 {
		err = usagef("not positive")
	}
	return d, err
}

// root is the command tree, with those commands and tools only that the words of the command
// line name: making all of them takes longer than many a command. For words that tell of
// others too, and for no words at all, it's the whole tree.
func (a *app) root(words ...string) *cobra.Command {
	flags := new(runFlags)
	root := a.command(&cobra.Command{
		Use:              "skep [options] FILE | -e PROGRAM | TOOL | COMMAND",
		Short:            "Run bpftrace scripts and tracing tools",
		Args:             cobra.ArbitraryArgs,
		TraverseChildren: true,
		RunE:             func(c *cobra.Command, args []string) error { return a.rootRun(c, flags, args) },
	})
	flags.register(root.Flags())
	root.Flags().SetInterspersed(false)
	root.Flags().BoolP("help", "h", false, "show this help")
	root.SetHelpFunc(a.help)
	root.SetHelpCommand(&cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command or tool", Hidden: true,
		RunE: func(c *cobra.Command, args []string) error { return a.helpOf(root, args) },
	})
	root.CompletionOptions.HiddenDefaultCmd = true
	all := len(words) == 0 || slices.ContainsFunc(words, wantsAll)
	for name, c := range a.commands(root, flags) {
		if all || slices.Contains(words, name) {
			root.AddCommand(a.command(c()))
		}
	}
	if all {
		for _, t := range tools.All() {
			root.AddCommand(a.command(a.toolCommand(flags, t)))
		}
		return root
	}
	for i, w := range words {
		if t, ok := tools.Lookup(w); ok && !slices.Contains(words[:i], w) {
			root.AddCommand(a.command(a.toolCommand(flags, t)))
		}
	}
	return root
}

// wantsAll reports whether the word is a command that tells of all commands.
func wantsAll(word string) bool {
	return word == "help" || word == "__completeNoDesc" || wantsAllHelp(word)
}

// commands make the commands, by their names.
func (a *app) commands(root *cobra.Command, flags *runFlags) map[string]func() *cobra.Command {
	return map[string]func() *cobra.Command{
		"run":        func() *cobra.Command { return a.runCommand(flags) },
		"man":        func() *cobra.Command { return a.manCommand(root) },
		"bpflist":    a.bpflistCommand,
		"bpftool":    a.bpftoolCommand,
		"bpftrace":   a.bpftraceCommand,
		"btf":        a.btfCommand,
		"cgroup":     a.cgroupCommand,
		"check":      a.checkCommand,
		"diff":       a.diffCommand,
		"doctor":     a.doctorCommand,
		"explain":    a.explainCommand,
		"exporter":   a.exporterCommand,
		"feature":    a.featureCommand,
		"fmt":        a.fmtCommand,
		"gen":        a.genCommand,
		"graph":      a.graphCommand,
		"iter":       a.iterCommand,
		"link":       a.linkCommand,
		"map":        a.mapCommand,
		"net":        a.netCommand,
		"perf":       a.perfCommand,
		"pmap":       a.pmapCommand,
		"prog":       a.progCommand,
		"ps":         a.psCommand,
		"snapshot":   a.snapshotCommand,
		"strace":     a.straceCommand,
		"struct_ops": a.structOpsCommand,
		"token":      a.tokenCommand,
		"tools":      a.toolsCommand,
		"top":        a.topCommand,
		"version":    a.versionCommand,
		"watch":      a.watchCommand,
	}
}

// rootRun is a call without a command: a program, a file, a list, or a mistake.
func (a *app) rootRun(c *cobra.Command, flags *runFlags, args []string) error {
	switch {
	case flags.version:
		return a.version()
	case flags.program != "":
		return a.program(flags, args)
	case flags.list:
		return a.list(flags, args)
	case len(args) == 0:
		a.help(c, nil)
		return exit(exitUsage)
	}
	if _, err := os.Stat(args[0]); err != nil && args[0] != "-" && !strings.ContainsAny(args[0], "/.") {
		return a.unknownCommand(args[0])
	}
	return a.file(flags, args)
}

// unknownCommand names the command or tool that may have been meant.
func (a *app) unknownCommand(name string) error {
	var names []string
	for _, c := range a.root().Commands() {
		names = append(names, c.Name())
	}
	if near, ok := diag.Nearest(name, names); ok {
		return usagef("there is no file, command or tool %q; did you mean %s?", name, near)
	}
	return usagef("there is no file, command or tool %q\nsee `skep -h` and `skep tools`", name)
}
