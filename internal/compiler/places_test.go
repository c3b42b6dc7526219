package compiler

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
	"github.com/skep-bpf/skep/internal/testkit"
)

// noted gives every static probe the arguments of one note.
type noted struct{ args string }

func (noted) Configure(*object.Config) {}
func (n noted) Expand(points []*probe.Point, _ *diag.Reporter) []*probe.Point {
	for _, p := range points {
		p.USDTArgs = n.args
	}
	return points
}

// iterEnv is the fake machine with an iterator over its tasks.
type iterEnv struct{ *fakeEnv }

func (e iterEnv) Iter(string) (*types.Type, bool) {
	s := types.NewStruct("struct bpf_iter__task", 16, []types.Field{{Name: "task", Type: types.PointerTo(taskT, types.SpaceBTF), Offset: 8}})
	return &types.Type{Kind: types.Struct, Size: 16, S: s, Ctx: true}, true
}

// TestPlaces holds the instructions for arguments of static probes and objects of iterators
// against testdata/places.golden: a file each, whose name is the architecture and the note or
// the script.
func TestPlaces(t *testing.T) {
	cases := []struct{ arch, note, script string }{
		{"amd64", "8@%rax", ""},
		{"amd64", "-4@%r13d", ""},
		{"amd64", "1@%bh", ""},
		{"amd64", "-2@$-7", ""},
		{"amd64", "-4@-20(%rbp)", ""},
		{"amd64", "2@16(%rsi,%rcx,8)", ""},
		{"amd64", "8@4096(%rip)", ""},
		{"arm64", "-4@w3", ""},
		{"arm64", "8@[sp, 16]", ""},
		{"arm64", "4@[x0, w1, sxtw 2]", ""},
		{"arm64", "8@xzr", ""},
		{"amd64", "", `iter:task { @ = ctx.task.pid; }`},
		{"amd64", "", `iter:task { $t = ctx.task; @ = $t.inner.a; }`},
		{"amd64", "", `iter:task:pin { printf("%5d %s\n", ctx.task.pid, ctx.task.comm); }`},
	}
	ar := &txtar.Archive{}
	for _, c := range cases {
		name, text := c.note, c.script
		if text == "" {
			text = `usdt:/bin/a:p:e { @ = arg0; }`
		} else {
			name = text
		}
		env := iterEnv{newFakeEnv()}
		env.facts.Arch = c.arch
		src := &diag.Sources{}
		rep := diag.NewReporter(src)
		var out bytes.Buffer
		Compile(src.Add("script.bt", text), Options{Env: env, CheckIR: true, DumpTo: &out, Dump: map[string]bool{"insns": true}, Discover: noted{c.note}}, rep)
		for _, d := range rep.All() {
			t.Errorf("%s: %s", name, d.Msg)
		}
		if !strings.Contains(out.String(), "exit") {
			t.Errorf("%s: no program: %s", name, out.String())
		}
		ar.Files = append(ar.Files, txtar.File{Name: c.arch + " " + name, Data: out.Bytes()})
	}
	testkit.Golden(t, "testdata/places.golden", txtar.Format(ar))
}
