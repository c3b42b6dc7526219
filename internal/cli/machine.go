package cli

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"runtime"
	"slices"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/host/discover"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/target"
	"github.com/skep-bpf/skep/internal/probe"
)

// machine is this machine as the compiler sees it. Nothing is read before it's asked for.
type machine struct {
	kernel    *kern.Kernel
	typesFile string // where the kernel's types come from instead; "": the kernel
	files     *exe.Files
	env       *target.Env
	finder    *discover.Finder
	filter    *regexp.Regexp // of --probe-filter: the points to keep; nil: all
}

func newMachine(j *Job) *machine {
	root := os.DirFS("/")
	m := &machine{kernel: kern.New(root), typesFile: typesFile(), files: exe.NewFiles(root), filter: j.ProbeFilter}
	m.kernel.TypesFrom(m.typesFile)
	m.files.DebugDirs = j.DebugDirs
	m.env = target.New(m.kernel, m.files, root, runtime.GOARCH)
	if !j.CheckOnly {
		m.env.Progs = new(kern.Progs) // asked by bpf(2)
	}
	m.finder = &discover.Finder{
		Kernel: m.kernel, Files: m.files, Root: root, SearchPath: os.Getenv("PATH"), Pid: j.Pid, Unsafe: j.Unsafe, BPF: kern.Progs{},
	}
	m.env.CheckOnly, m.finder.CheckOnly = j.CheckOnly, j.CheckOnly
	return m
}

func (m *machine) Close() error { return errors.Join(m.files.Close(), m.kernel.Close()) }

// release is the kernel's release; "": unknown.
func (m *machine) release() string {
	r, err := m.kernel.Release()
	if err != nil {
		return ""
	}
	return r
}

// attached is the kernel that programs are attached to, by numbers of its own types; nil: it's
// to be read anew.
func (m *machine) attached() *kern.Kernel {
	if m.typesFile != "" {
		return nil
	}
	return m.kernel
}

// ReadPoints shows the finder what the script says.
func (m *machine) ReadPoints(points []*probe.Point) { m.finder.ReadPoints(points) }

// Expand makes the machine a compiler.Discoverer.
func (m *machine) Expand(points []*probe.Point, rep *diag.Reporter) []*probe.Point {
	found := m.finder.Expand(points, rep)
	if m.filter == nil {
		return found
	}
	return slices.DeleteFunc(found, func(p *probe.Point) bool {
		return p.Kind != probe.Begin && p.Kind != probe.End && !m.filter.MatchString(p.Text)
	})
}

// Configure takes over what the script's config says of attach points.
func (m *machine) Configure(c *object.Config) {
	m.finder.MaxProbes = c.MaxProbes
	m.finder.FollowRenamed = c.RenamedFunctions == "follow"
	switch c.MissingProbes {
	case "warn":
		m.finder.Missing = discover.MissingWarn
	case "ignore":
		m.finder.Missing = discover.MissingIgnore
	}
}

// osFiles are the machine's files, for imports and headers.
type osFiles struct{}

func (osFiles) ReadFile(path string) ([]byte, error)       { return os.ReadFile(path) }
func (osFiles) Stat(path string) (fs.FileInfo, error)      { return os.Stat(path) }
func (osFiles) ReadDir(path string) ([]fs.DirEntry, error) { return os.ReadDir(path) }
