//go:build linux

// Command skep-lab runs programs and tests in real kernels, which it boots in QEMU without
// KVM. It's a tool of those who work on skep.
//
//	skep-lab list                                  the kernels and where they are
//	skep-lab fetch [SERIES...]                     download kernels to the cache
//	skep-lab run [flags] SERIES COMMAND [ARG...]   one program in one kernel
//	skep-lab test [flags] PACKAGE [TEST FLAGS...]  a package's tests in each kernel
//
// SERIES is a name that list shows. The guest has this machine's C library and a few small
// programs (sh, bash, cat, ls, dd, sleep and such), two CPUs, a scratch disk at /scratch,
// and a pair of Ethernet devices: veth0 (192.0.2.1) and, in the network namespace
// /run/netns/peer, veth1 (192.0.2.2). The command is a program of this machine; its exit
// status is the exit status, 125 when the guest broke.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/skep-bpf/skep/internal/testkit/vm"
)

// broken is the exit status when it isn't the command's.
const broken = 125

// verb is one of the command's words.
type verb struct {
	name, args, doc string
	run             func(context.Context, *flag.FlagSet, []string) (int, error)
}

var verbs = []verb{
	{"list", "", "the kernels and where they are", list},
	{"fetch", "[SERIES...]", "download kernels to the cache, all by default", fetch},
	{"run", "[flags] SERIES COMMAND [ARG...]", "run one program in one kernel", run},
	{"test", "[flags] PACKAGE [TEST FLAGS...]", "run a package's tests in each kernel", test},
}

// errUsage is a command line that isn't understood; what is wrong was printed.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code, err := lab(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		code = 2
	case err != nil:
		fmt.Fprintln(os.Stderr, "skep-lab:", err)
		code = broken
	}
	os.Exit(code)
}

func lab(ctx context.Context, args []string) (int, error) {
	if len(args) > 0 {
		for _, v := range verbs {
			if v.name == args[0] {
				return v.run(ctx, v.flags(), args[1:])
			}
		}
		if !slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
			fmt.Fprintf(os.Stderr, "skep-lab: there is no verb %q\n", args[0])
			usage(os.Stderr)
			return 0, errUsage
		}
		usage(os.Stdout)
		return 0, nil
	}
	usage(os.Stderr)
	return 0, errUsage
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "Runs programs and tests in real kernels, booted in QEMU.\n\nUsage:")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, v := range verbs {
		fmt.Fprintf(t, "  skep-lab %s %s\t%s\n", v.name, v.args, v.doc)
	}
	t.Flush()
	fmt.Fprintln(w, "\nFlags: skep-lab VERB -h")
}

// flags is an empty set of flags, with the verb's usage.
func (v *verb) flags() *flag.FlagSet {
	f := flag.NewFlagSet("skep-lab "+v.name, flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Usage: skep-lab %s %s\n%s\n", v.name, v.args, v.doc)
		f.PrintDefaults()
	}
	return f
}

func parse(f *flag.FlagSet, args []string) error {
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	return nil
}

func list(_ context.Context, f *flag.FlagSet, args []string) (int, error) {
	if err := parse(f, args); err != nil {
		return 0, err
	}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SERIES\tRELEASE\tIMAGE")
	for _, s := range vm.AllSeries() {
		release, image := "-", "not fetched yet"
		if k, err := vm.Cached(s); err == nil {
			release, image = k.Release, k.Image
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Name, release, image)
	}
	return 0, t.Flush()
}

func fetch(_ context.Context, f *flag.FlagSet, args []string) (int, error) {
	if err := parse(f, args); err != nil {
		return 0, err
	}
	all, err := series(strings.Join(f.Args(), ","))
	if err != nil {
		return 0, err
	}
	for _, s := range all {
		k, err := vm.Fetch(s)
		if err != nil {
			return 0, err
		}
		fmt.Println(k.Release)
	}
	return 0, nil
}

// series are the kernels that a comma-separated list names; all for an empty one.
func series(list string) ([]vm.Series, error) {
	if list == "" {
		return vm.AllSeries(), nil
	}
	var found []vm.Series
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(vm.AllSeries(), func(s vm.Series) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("no kernel series %q: see skep-lab list", name)
		}
		found = append(found, vm.AllSeries()[i])
	}
	return found, nil
}

// guestFlags are those of run and test.
func guestFlags(f *flag.FlagSet, c *vm.Config) {
	f.IntVar(&c.Disk, "disk", 64, "`MiB` of the scratch disk, ext4 at /scratch; 0: none")
	f.IntVar(&c.Memory, "mem", 1024, "`MiB` of memory")
	f.IntVar(&c.CPUs, "cpus", 2, "`number` of CPUs")
	f.StringVar(&c.Append, "append", "", "more kernel `parameters`")
	f.StringVar(&c.Artefacts, "artefacts", "", "`folder` for what the command leaves in /artefacts")
	f.Func("module", "`NAME` of one more kernel module to load", func(s string) error {
		c.Modules = append(c.Modules, s)
		return nil
	})
	f.Func("env", "`NAME=VALUE` for the command", func(s string) error {
		c.Env = append(c.Env, s)
		return nil
	})
	f.Func("file", "`HOST:GUEST`: a file or folder to take along", func(s string) error {
		host, guest, ok := strings.Cut(s, ":")
		if !ok || !path.IsAbs(guest) {
			return fmt.Errorf("want HOST:/GUEST")
		}
		c.Files = append(c.Files, vm.File{Host: host, Guest: guest})
		return nil
	})
}

func run(ctx context.Context, f *flag.FlagSet, args []string) (int, error) {
	c := vm.Config{Stdout: os.Stdout, Stderr: os.Stderr}
	guestFlags(f, &c)
	f.DurationVar(&c.Timeout, "timeout", 2*time.Minute, "limit of the whole run")
	f.StringVar(&c.Dir, "dir", "/", "working `folder` in the guest")
	if err := parse(f, args); err != nil {
		return 0, err
	}
	if f.NArg() < 2 {
		f.Usage()
		return 0, errUsage
	}
	chosen, err := series(f.Arg(0))
	if err != nil {
		return 0, err
	}
	files, err := vm.Dynamic(f.Arg(1))
	if err != nil {
		return 0, err
	}
	in := "/bin/" + filepath.Base(f.Arg(1))
	files[0].Guest = in
	c.Files = append(c.Files, files...)
	c.Args = append([]string{in}, f.Args()[2:]...)
	if c.Kernel, err = vm.Fetch(chosen[0]); err != nil {
		return 0, err
	}
	return vm.Run(ctx, c)
}

func test(ctx context.Context, f *flag.FlagSet, args []string) (int, error) {
	c := vm.Config{Stdout: os.Stdout, Stderr: os.Stderr}
	guestFlags(f, &c)
	f.DurationVar(&c.Timeout, "timeout", 10*time.Minute, "limit of each kernel's run")
	only := f.String("kernel", "", "`SERIES,SERIES`: these kernels; all by default")
	if err := parse(f, args); err != nil {
		return 0, err
	}
	if f.NArg() < 1 {
		f.Usage()
		return 0, errUsage
	}
	chosen, err := series(*only)
	if err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "skep-lab-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	files, err := vm.TestFiles(f.Arg(0), dir)
	if err != nil {
		return 0, err
	}
	c.Files = append(c.Files, files...)
	c.Dir, c.Args = vm.TestDir, append([]string{files[0].Guest}, f.Args()[1:]...)
	artefacts, worst := c.Artefacts, 0
	for _, s := range chosen {
		if c.Kernel, err = vm.Fetch(s); err != nil {
			return 0, err
		}
		if artefacts != "" {
			c.Artefacts = filepath.Join(artefacts, s.Name)
		}
		fmt.Println("== Linux", c.Kernel.Release)
		code, err := vm.Run(ctx, c)
		if err != nil {
			return 0, err
		}
		if code != 0 {
			fmt.Println("== exit status", code)
			worst = 1
		}
	}
	return worst, nil
}
