package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/skep-bpf/skep/internal/run"
)

// bpftraceOptions are those of bpftrace 0.27.
var bpftraceOptions = optionSet{
	letters: "d:bB:f:e:hlp:vqc:Vo:I:k",
	long: []longOption{
		{"aot", true, 0}, {"bench", false, 0}, {"btf", false, 'b'}, {"cmd", true, 'c'}, {"debug", true, 'd'},
		{"debuginfo", true, 0}, {"dry-run", false, 0}, {"emit-elf", true, 0}, {"emit-llvm", true, 0},
		{"fmt", false, 0}, {"help", false, 'h'}, {"include", true, 0}, {"info", false, 0}, {"list", false, 'l'},
		{"no-feature", true, 0}, {"no-warnings", false, 0}, {"output", true, 'o'}, {"pid", true, 'p'},
		{"probe-filter", true, 0}, {"quiet", false, 'q'}, {"test", false, 0}, {"mode", true, 0},
		{"unsafe", false, 0}, {"dwarf-pid", true, 0}, {"usdt-file-activation", false, 0}, {"verbose", false, 'v'},
		{"verify-llvm-ir", false, 0}, {"version", false, 'V'}, {"warnings", false, 'k'},
		{"traceable-functions", true, 0},
	},
}

const bpftraceHelp = `bpftrace (skep): the bpftrace language, compiled without LLVM

USAGE:
    bpftrace [options] filename [params]
    bpftrace [options] - [params]            (program from stdin)
    bpftrace [options] -e 'program' [params]
    named parameters of the script stand behind --: -- --name=value

OPTIONS:
    -e 'program'              run this program
    -l, --list [search|file]  list probes; with -v their arguments too
    -p, --pid PID             only this process
    -c, --cmd CMD             run CMD and trace it
    --usdt-file-activation    activate USDT semaphores by the file's path
    -f FORMAT                 output format: text, json
    -o, --output FILE         write the output to FILE
    -B MODE                   output buffering: line, full, none
    -q, --quiet               fewer messages
    -v, --verbose             more messages
    -k, --warnings            warn when a probe fails to read
    --no-warnings             no warnings
    -I DIR                    look for headers in DIR
    --include FILE            include this header first
    --traceable-functions FILE
                              list of the kernel functions that can be traced
    --no-feature LIST         do without kprobe_multi, kprobe_session, uprobe_multi
    --probe-filter REGEX      attach only to the probes whose names match
    --debuginfo DIR           look for debug information in DIR, too
    --unsafe                  allow what changes the system
    --mode MODE               codegen, test, bench, format
    --test, --fmt             the same as --mode test, --mode format
    --dry-run                 end when all probes are attached
    -d, --debug STAGE         print a stage: all, ast, types, codegen, codegen-opt,
                              dis, verifier
    --info                    what this kernel supports
    -h, --help                this text
    -V, --version             version
`

// bpftraceCommand is `skep bpftrace …`.
func (a *app) bpftraceCommand() *cobra.Command {
	return &cobra.Command{
		Use: "bpftrace", Short: "Take bpftrace's own flags", DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return exit(a.bpftrace(args)) },
	}
}

// bpftraceCall is one call with bpftrace's flags.
type bpftraceCall struct {
	Job
	program  string
	pid      string
	mode     string // "", codegen, test, format …
	info     bool
	warnings string // which of -k and --no-warnings was given
}

// bpftrace runs a command line of bpftrace: its messages and exit statuses.
func (a *app) bpftrace(args []string) int {
	opts, rest, err := bpftraceOptions.parse(args)
	c := &bpftraceCall{Job: Job{Dir: ".", Format: "text", ErrorStyle: "bpftrace", Warnings: 1, Bpftrace: true}}
	for _, o := range opts {
		switch o.name {
		case "help":
			fmt.Fprint(a.out, bpftraceHelp)
			return exitOK
		case "version":
			fmt.Fprintf(a.out, "bpftrace %s\n", bpftraceVersion)
			return exitOK
		}
		if err := c.option(o); err != nil {
			return a.bpftraceError(err)
		}
	}
	if err != nil || len(args) == 0 {
		if err != nil {
			fmt.Fprintf(a.err, "bpftrace: %v\n", err)
		}
		fmt.Fprint(a.err, bpftraceHelp)
		return exitError
	}
	if c.info {
		return a.info()
	}
	if err := a.bpftraceScript(c, rest); err != nil {
		return a.bpftraceError(err)
	}
	switch {
	case c.mode == "format":
		return a.bpftraceFormat(c)
	case slices.Contains(c.Named, askForHelp):
		// Like bpftrace, this isn't a success: the script didn't run.
		_ = a.plainHelp(&c.Job, "bpftrace "+c.Name+" --")
		return exitError
	}
	return a.run(a, &c.Job)
}

// bpftraceError says an error as bpftrace does; those of usage that it explains with its
// help are followed by that.
func (a *app) bpftraceError(err error) int {
	fmt.Fprintf(a.err, "ERROR: %v\n", err)
	if errors.Is(err, errBothTargets) || errors.Is(err, errManySearches) {
		fmt.Fprint(a.err, bpftraceHelp)
	}
	return exitError
}

var (
	errBothTargets  = errors.New("USAGE: Cannot use both -c and -p.")
	errManySearches = errors.New("USAGE: one search or file can be listed.")
)

// option takes in one option.
func (c *bpftraceCall) option(o option) error {
	switch o.name {
	case "e":
		c.program = o.value
	case "list":
		c.List = true
	case "pid":
		c.pid = o.value
	case "dwarf-pid":
		pid, err := onePid(o.value)
		if err != nil {
			return err
		}
		c.UnwindPids = append(c.UnwindPids, pid)
	case "cmd":
		c.Command = o.value
	case "output":
		c.Output = o.value
	case "f":
		c.Format = o.value
	case "quiet":
		c.Quiet = true
	case "verbose":
		c.Verbose++
	case "I":
		c.IncludeDirs = append(c.IncludeDirs, o.value)
	case "include":
		c.Includes = append(c.Includes, o.value)
	case "unsafe":
		c.Unsafe = true
	case "usdt-file-activation":
		c.USDTByFile = true
	case "dry-run":
		c.DryRun = true
	case "info":
		c.info = true
	case "traceable-functions":
		c.Traceable = o.value
		f, err := os.Open(o.value)
		if err != nil {
			return fmt.Errorf("read traceable functions: %w", err)
		}
		return f.Close()
	case "debuginfo":
		c.DebugDirs = append(c.DebugDirs, strings.Split(o.value, ":")...)
	case "btf":
	default:
		return c.choice(o)
	}
	return nil
}

// choice takes in the options with a set of values, and those that exclude others.
func (c *bpftraceCall) choice(o option) error {
	switch o.name {
	case "B":
		if !oneOf(o.value, "line full none") {
			return errors.New("USAGE: -B must be either 'line', 'full', or 'none'.")
		}
		c.Buffering = o.value
	case "warnings", "no-warnings":
		return c.warn(o.name)
	case "debug":
		return c.debug(o.value)
	case "mode":
		if !oneOf(o.value, "codegen compiler-bench bench test format") {
			return errors.New("USAGE: --mode can only be 'codegen', 'compiler-bench', 'bench', 'test' or 'format'.")
		}
		c.mode = o.value
	case "test", "bench", "fmt":
		if c.mode != "" {
			return fmt.Errorf("USAGE: --%s conflicts with existing --mode", o.name)
		}
		c.mode = map[string]string{"test": "test", "bench": "bench", "fmt": "format"}[o.name]
	case "probe-filter":
		re, err := regexp.Compile(o.value)
		if err != nil {
			return fmt.Errorf("Invalid --probe-filter regex '%s': %w", o.value, err)
		}
		c.ProbeFilter = re
	case "no-feature":
		for _, f := range strings.Split(o.value, ",") {
			if !oneOf(f, "kprobe_multi kprobe_session uprobe_multi") {
				return errors.New("USAGE: --no-feature can only have values 'kprobe_multi,kprobe_session,uprobe_multi'.")
			}
		}
	default:
		return fmt.Errorf("option --%s isn't supported yet", o.name)
	}
	return nil
}

func (c *bpftraceCall) warn(name string) error {
	if c.warnings != "" && c.warnings != name {
		return errors.New("USAGE: -k, --warnings conflicts with --no-warnings")
	}
	if c.warnings == "warnings" {
		return errors.New("USAGE: -k can be given once: it warns of map lookups and probe reads alike.")
	}
	c.warnings = name
	c.Warnings = 0
	if name == "warnings" {
		c.Warnings = 2
	}
	return nil
}

// debugStages are bpftrace's stages as those of --dump; "" is none of ours.
var debugStages = []struct{ name, dump string }{
	{"ast", "ast"}, {"types", "types"}, {"codegen", "ssa:start"}, {"codegen-opt", "ssa"}, {"dis", "insns"},
	{"verifier", ""}, {"libbpf", ""}, {"parse", ""},
}

func (c *bpftraceCall) debug(list string) error {
	for _, name := range strings.Split(list, ",") {
		known := name == "" || name == "all"
		for _, s := range debugStages {
			if name != s.name && name != "all" {
				continue
			}
			known = true
			if s.dump != "" && !slices.Contains(c.Dump, s.dump) {
				c.Dump = append(c.Dump, s.dump)
			}
			if s.name == "verifier" {
				c.Verbose = max(c.Verbose, 2)
			}
		}
		if !known {
			return fmt.Errorf("USAGE: invalid option for -d: %s", name)
		}
	}
	return nil
}

// runModes are the modes that say which probes to run.
var runModes = map[string]run.Mode{"test": run.ModeTest, "bench": run.ModeBench}

// bpftraceScript finds the script, its parameters and the process.
func (a *app) bpftraceScript(c *bpftraceCall, rest []string) error {
	if c.Command != "" && c.pid != "" {
		return errBothTargets
	}
	c.Mode, c.DryRun = runModes[c.mode], c.DryRun || c.mode == "codegen"
	switch {
	case c.mode == "compiler-bench":
		return fmt.Errorf("--mode %s isn't supported yet", c.mode)
	case !oneOf(c.Format, "text json"):
		return fmt.Errorf("Invalid output format %q\nValid formats: 'text', 'json'", c.Format)
	}
	if err := c.parsePid(); err != nil {
		return err
	}
	switch {
	case c.List:
		return a.bpftraceList(c, rest)
	case c.program != "":
		c.Name, c.Text = "stdin", c.program
	case len(rest) == 0:
		return errors.New("USAGE: filename or -e 'program' required.")
	default:
		if err := a.openScript(c, rest[0]); err != nil {
			return err
		}
		rest = rest[1:]
	}
	c.Params, c.Named = plainArgs(rest)
	return nil
}

// parsePid reads -p's value.
func (c *bpftraceCall) parsePid() (err error) {
	if c.pid != "" {
		c.Pid, err = onePid(c.pid)
	}
	return err
}

// onePid reads a process id: digits, or 0x and hexadecimal ones.
func onePid(text string) (int, error) {
	n, err := strconv.ParseUint(text, 0, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("Pid out of range: %s", text)
	case err != nil && text[0] >= '0' && text[0] <= '9':
		return 0, fmt.Errorf("Failed to parse pid: invalid trailing bytes: %s", text)
	case err != nil:
		return 0, fmt.Errorf("Failed to parse pid: invalid integer: %s", text)
	case n == 0 || n > maxPid:
		return 0, fmt.Errorf("Pid out of range: %d", n)
	}
	return int(n), nil
}

// bpftraceList finds what -l lists: probes that match, or those of a script.
func (a *app) bpftraceList(c *bpftraceCall, rest []string) error {
	switch {
	case len(rest) > 1:
		return errManySearches
	case len(rest) == 1:
		if _, err := os.Stat(rest[0]); err == nil {
			return a.openScript(c, rest[0])
		}
		c.Search = rest[0]
		a.warnSearch(c.Search)
	case c.program != "":
		c.Name, c.Text = "stdin", c.program
		return nil
	}
	if c.Search == "" || c.Search == "*" {
		c.Search = "*:*"
	}
	return nil
}

func (a *app) openScript(c *bpftraceCall, path string) error {
	err := a.load(&c.Job, path)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		text := errno.Error()
		return fmt.Errorf("failed to open file '%s': %s", path, strings.ToUpper(text[:1])+text[1:])
	}
	c.Dir = filepath.Dir(path)
	return err
}

// bpftraceFormat prints the script formatted, or writes it to -o's file.
func (a *app) bpftraceFormat(c *bpftraceCall) int {
	text, ok := a.formatText(&c.Job)
	switch {
	case !ok:
		return exitError
	case c.Output == "":
		fmt.Fprint(a.out, text)
		return exitOK
	}
	if err := os.WriteFile(c.Output, []byte(text), 0o644); err != nil {
		return a.bpftraceError(err)
	}
	return exitOK
}
