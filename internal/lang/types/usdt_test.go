package types

import (
	"fmt"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/diag"
	"github.com/skep-bpf/skep/internal/lang/syntax"
	"github.com/skep-bpf/skep/internal/probe"
)

// usdtUnits checks body at USDT probes with the given notes and describes each program: its
// points and the arguments that it reads.
func usdtUnits(t *testing.T, body string, notes ...string) (units []string, messages string) {
	t.Helper()
	srcs := &diag.Sources{}
	rep := diag.NewReporter(srcs)
	ids := &syntax.IDs{}
	script := syntax.Parse(srcs.Add("test.bt", "usdt:/bin/a:p:e "+body), ids, rep)
	at := func(p *syntax.Probe) (list []*probe.Point) {
		for i, n := range notes {
			list = append(list, &probe.Point{Kind: probe.USDT, Text: fmt.Sprintf("usdt:%d", i), USDTArgs: n, Span: p.Span()})
		}
		return list
	}
	env := newEnv()
	env.facts.Arch = "amd64"
	env.facts.Features.Cookie = true
	made := MakeUnits([]*syntax.Probe{script.Decls[0].(*syntax.Probe)}, nil, at, ids, env)
	Check(script.Decls, made, ids, env, Options{}, rep)
	for _, u := range made {
		s := fmt.Sprint(len(u.Points))
		for n := range 10 {
			if a, ok := u.USDT[n]; ok {
				s += fmt.Sprintf(" arg%d in %d bytes", n, a.Size)
			}
		}
		units = append(units, s)
	}
	for _, d := range rep.All() {
		messages += d.Msg + "\n"
	}
	return units, messages
}

func TestUSDTUnits(t *testing.T) {
	tests := []struct {
		body  string
		notes []string
		want  string // programs: their points and arguments
		said  string
	}{
		{`{ @ = count(); }`, []string{"4@%eax", "8@%rdi", ""}, "3", ""},
		{`{ print(arg0); }`, []string{"4@%eax 8@%rdi", "4@%eax 8@%rsi"}, "2 arg0 in 4 bytes", ""},
		{`{ print(arg1); }`, []string{"4@%eax 8@%rdi", "4@%eax 2@%si"}, "1 arg1 in 8 bytes; 1 arg1 in 2 bytes", ""},
		{`{ print(arg2); }`, []string{"4@%eax"}, "1", "usdt:0 has no arg2: it's 0"},
		{`{ print(arg0); }`, []string{"8f@%xmm0"}, "1 arg0 in 8 bytes", "arg0 of usdt:0 is where it can't be read"},
		{`{ print(arg1); }`, []string{"8f@%xmm0 4@$1"}, "1 arg1 in 4 bytes", ""},
	}
	for _, tt := range tests {
		units, said := usdtUnits(t, tt.body, tt.notes...)
		if got := strings.Join(units, "; "); got != tt.want || strings.TrimSpace(said) != tt.said {
			t.Errorf("%s at %q: %s (%s), want %s (%s)", tt.body, tt.notes, got, said, tt.want, tt.said)
		}
	}
}
