package cli

import (
	"os"
	"runtime"
	"time"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/compiler/ssagen"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/lang/expand"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// compileScript compiles a job's script for the machine. child is the process of -c, 0
// for none. When rep has failed there may be no object.
func (a *app) compileScript(j *Job, m *machine, child int, rep *diag.Reporter) *compiler.Output {
	src := rep.Sources.Add(j.Name, j.Text)
	m.checkEnviron(rep)
	out := compiler.Compile(src, a.compileOptions(j, m, child), rep)
	if err := m.env.Err(); err != nil {
		for _, d := range rep.All() {
			if d.Code == diag.CodeArgsMissing {
				d.Note("%v", err)
			}
		}
	}
	if out != nil && j.Header != nil {
		j.checkHeader(src, out.Options, rep)
	}
	return out
}

func (a *app) compileOptions(j *Job, m *machine, child int) compiler.Options {
	start, err := sys.SinceBoot()
	if err != nil {
		start = time.Duration(0) // elapsed then counts from boot
	}
	opt := compiler.Options{
		Expand: expand.Options{
			Params: j.Params, Named: j.Named, Open: j.Open, Files: osFiles{}, Dir: j.Dir, IncludeDirs: j.IncludeDirs,
			Includes: j.Includes, Arch: runtime.GOARCH, Lookup: m.env.AnyType, Enumerator: m.env.Enumerator,
			HaveBTF: true, Release: m.release(), Headers: kernelHeaders(), IsBuiltin: types.IsBuiltin,
		},
		Check:     types.Options{Unsafe: j.Unsafe, Bpftrace: j.Bpftrace, Child: child != 0, Unwind: child != 0 || j.Pid != 0 || len(j.UnwindPids) > 0 || j.CheckOnly || j.List, Environ: os.Environ()},
		Gen:       ssagen.Options{HelperErrors: j.Warnings > 1, StartNS: uint64(start), Pid: j.Pid, ChildPid: child, CheckNull: j.CheckNull},
		Env:       m.env,
		Discover:  m,
		Parser:    probe.Parser{Pid: j.Pid, Unsafe: j.Unsafe},
		CheckOnly: j.CheckOnly,
		Dump:      map[string]bool{},
		DumpTo:    a.out,
	}
	for _, stage := range j.Dump {
		opt.Dump[stage] = true
	}
	return opt
}

// checkHeader reports where the script's option header and its getopt calls differ.
func (j *Job) checkHeader(src *diag.Source, options []types.Option, rep *diag.Reporter) {
	quiet := diag.NewReporter(rep.Sources)
	j.Header.Check(syntax.Parse(src, new(syntax.IDs), quiet), options, rep)
}
