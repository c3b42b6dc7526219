package main

import (
	"context"
	"fmt"
	"os"
	"time"
	"runtime"
	"github.com/skep-bpf/skep/internal/host/discover"
	"github.com/skep-bpf/skep/internal/probe"

	"github.com/skep-bpf/skep/internal/compiler"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/engine/kernel"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sym"
	"github.com/skep-bpf/skep/internal/host/target"
	"github.com/skep-bpf/skep/internal/output/text"
	"github.com/skep-bpf/skep/internal/run"
	"github.com/skep-bpf/skep/internal/host/exe"
	"github.com/skep-bpf/skep/internal/host/sys"
)

func main() {
	run.ChildMain()
	t0 := time.Now()
	root := os.DirFS("/")
	k := kern.New(root)
	files := exe.NewFiles(root)
	find := &discover.Finder{Kernel:k, Files:files, Root:root, SearchPath: os.Getenv("PATH")}
	env := target.New(k, files, root, runtime.GOARCH)
	src := &diag.Sources{}
	rep := diag.NewReporter(src)
	f := src.Add("stdin", os.Args[1])
	out := compiler.Compile(f, compiler.Options{Env: env, Discover: dd{find}}, rep)
	for _, d := range rep.All() {
		fmt.Fprintln(os.Stderr, d.Code, d.Msg, d.Notes)
	}
	if out == nil || out.Object == nil {
		os.Exit(1)
	}
	t1 := time.Now()
	sy := sym.New(sym.Config{Demangle: true})
	boot, _ := sys.BootTime()
	cfg := run.Config{Object: out.Object, Engine: kernel.New(kernel.Config{Kernel: k}), Sink: text.New(os.Stdout, os.Stderr), Names: sy, Boot: boot, Signals: true, Ready: os.Stdout,
		Options: engine.Options{Warnf: func(f string, a ...any) { fmt.Fprintf(os.Stderr, "WARNING: "+f+"\n", a...) }}}
	if len(os.Args) > 2 {
		c, err := run.StartChild(os.Args[2])
		if err != nil { fmt.Println(err); os.Exit(1) }
		cfg.Child = c
	}
	code, err := run.Run(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		if r, ok := err.(*engine.Rejection); ok { fmt.Fprintln(os.Stderr, r.Insn, r.Hint); fmt.Fprintln(os.Stderr, r.Log) }
	}
	if os.Getenv("TIMES") != "" { fmt.Fprintln(os.Stderr, "compile", t1.Sub(t0), "run", time.Since(t1)) }
	os.Exit(code)
}

type dd struct{ f *discover.Finder }
func (d dd) Expand(p *probe.Point, rep *diag.Reporter) []*probe.Point { return d.f.Expand([]*probe.Point{p}, rep) }
