package cli

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/expand"
	"github.com/skep-bpf/skep/internal/lang/syntax"
)

// osFiles are the machine's files, for imports and headers.
type osFiles struct{}

func (osFiles) ReadFile(path string) ([]byte, error)       { return os.ReadFile(path) }
func (osFiles) Stat(path string) (fs.FileInfo, error)      { return os.Stat(path) }
func (osFiles) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }

// expandOptions are what a job's script is expanded with, but for what the machine and
// the language's builtins decide: Lookup, HaveBTF and IsBuiltin.
func (j *Job) expandOptions() expand.Options {
	return expand.Options{
		Params: j.Params, Named: j.Named, Files: osFiles{}, Dir: j.Dir,
		IncludeDirs: j.IncludeDirs, Includes: j.Includes, Arch: runtime.GOARCH,
	}
}

// checkHeader reports where a script's option header and its getopt calls differ.
func (j *Job) checkHeader(script *syntax.Script, r *expand.Result, rep *diag.Reporter) {
	if j.Header != nil {
		j.Header.Check(script, r.Options, rep)
	}
}

// runJob reads and expands the script, and reports what is wrong with that.
func runJob(a *app, j *Job) int {
	var sources diag.Sources
	rep := diag.NewReporter(&sources)
	ids := new(syntax.IDs)
	script := syntax.Parse(sources.Add(j.Name, j.Text), ids, rep)
	if !rep.Failed() {
		opt := j.expandOptions()
		opt.HaveBTF = true
		opt.IsBuiltin = func(string) bool { return true }
		j.checkHeader(script, expand.Expand(script, opt, ids, rep), rep)
	}
	a.report(&sources, rep, j.ErrorStyle)
	if rep.Failed() {
		return statusOf(rep)
	}
	fmt.Fprintln(a.err, "skep: running scripts isn't supported yet")
	return exitError
}
