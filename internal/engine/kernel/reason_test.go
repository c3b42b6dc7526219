package kernel

import (
	"errors"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
	"github.com/skep-bpf/skep/internal/host/sys"
)

func TestLastWords(t *testing.T) {
	tests := []struct {
		name, log string
		slot      int
		words     string
		plain     string // part of the plain words, "" for none
	}{
		{"scalar as pointer", `func#0 @0
0: R1=ctx() R10=fp0
; begin { print(*5); } @ stdin:1
0: (18) r1 = 0x5                      ; R1_w=5
2: (b7) r0 = 0                        ; R0_w=0
3: (79) r2 = *(u64 *)(r1 +0)
R1 invalid mem access 'scalar'
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`, 3, "R1 invalid mem access 'scalar'", "number is used as an address"},
		{"kernel 5.10", `0: (b7) r1 = 5
1: R1_w=inv5 R10=fp0
1: (79) r2 = *(u64 *)(r1 +0)
R1 invalid mem access 'inv'
verification time 32 usec
stack depth 0
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`, 1, "R1 invalid mem access 'inv'", "number is used as an address"},
		{"kernel 7.3", `0: (b7) r2 = -13
1: (85) call bpf_override_return#58
program of this type cannot use helper bpf_override_return#58

Verification failed: Policy: Operation is not allowed

Reason:
  The helper bpf_override_return#58 is not allowed.
At:
  kprobe_1 @ stdin:1:9
processed 2 insns (limit 1000000)
`, 1, "program of this type cannot use helper bpf_override_return#58", "CONFIG_BPF_KPROBE_OVERRIDE"},
		{"loop", `0: (b7) r0 = 0
1: (05) goto pc-1
from 1 to 1: R0=0 R1=ctx() R10=fp0
infinite loop detected at insn 1
cur state: R0=0 R1=ctx() R10=fp0
processed 2 insns (limit 1000000)
`, 1, "infinite loop detected at insn 1", "loop's end"},
		{"back edge before any walk", "back-edge from insn 7 to 3\nprocessed 0 insns (limit 1000000)\n", 7, "back-edge from insn 7 to 3", "may not"},
		{"too large", "12: (07) r1 += 1\nBPF program is too large. Processed 1000001 insn\nprocessed 1000001 insns\n", 12, "BPF program is too large. Processed 1000001 insn", "million"},
		{"helper", "5: (85) call bpf_probe_write_user#36\nprogram of this type cannot use helper bpf_probe_write_user#36\nprocessed 6 insns\n", 5,
			"program of this type cannot use helper bpf_probe_write_user#36", "locked down"},
		{"cut log", "1: (b7) r0 = 0\n2: (95) exit\n", 2, "", ""},
	}
	for _, tt := range tests {
		slot, words := lastWords(tt.log)
		if slot != tt.slot || words != tt.words {
			t.Errorf("%s: slot %d, %q; want %d, %q", tt.name, slot, words, tt.slot, tt.words)
		}
		if plain := plainWords(words); !strings.Contains(plain, tt.plain) || (plain == "") != (tt.plain == "") {
			t.Errorf("%s: in plain words %q", tt.name, plain)
		}
	}
}

// Slots count wide instructions twice; a rejection names the instruction.
func TestRejectionNamesInstruction(t *testing.T) {
	p := &object.Program{Name: "p", Insns: []isa.Insn{isa.LoadImm64(isa.R1, 0), isa.LoadImm64(isa.R2, 0), isa.MovImm(isa.R0, 0), isa.Exit()}}
	s := &session{}
	for slot, want := range map[string]int{"0": 0, "2": 1, "4": 2, "5": 3, "99": -1} {
		err := s.refused(p, slot+": (b7) r0 = 0\nsome complaint\nprocessed 1 insns", sys.EACCES)
		var r *engine.Rejection
		if !errors.As(err, &r) || r.Insn != want || r.Reason != "some complaint" || !errors.Is(err, sys.EACCES) {
			t.Errorf("slot %s: %+v", slot, err)
		}
	}
}

func TestLoadWithoutLog(t *testing.T) {
	s := &session{version: 5<<16 | 4<<8}
	p := &object.Program{Name: "p", ProgType: progTracing, AttachType: attachIter}
	if err := s.refused(p, "", sys.EINVAL); !strings.Contains(err.Error(), "iterators need Linux 5.8") {
		t.Errorf("iterator on an old kernel: %v", err)
	}
	if err := s.refused(p, "", sys.EPERM); !errors.Is(err, sys.EPERM) || strings.HasPrefix(err.Error(), "load program p: operation") {
		t.Errorf("EPERM: %v", err)
	}
}

func TestAttachReason(t *testing.T) {
	for _, tt := range []struct {
		kind string
		err  error
		want string
	}{
		{"kprobe", sys.ENOENT, "there is no such kernel function"},
		{"kprobe", sys.EILSEQ, "middle of an instruction"},
		{"hardware", sys.ENOENT, "no PMU"},
		{"uprobe", sys.ENOENT, "there is no such file"},
		{"uprobe", sys.ESRCH, "there is no such process"},
		{"profile", sys.EMFILE, "ulimit"},
		{"profile", sys.EBUSY, "busy"},
		{"kprobe", errNoKprobes, "has no kprobes"},
	} {
		if got := attachReason(&object.Point{Kind: tt.kind}, tt.err); !strings.Contains(got, tt.want) {
			t.Errorf("%s, %v: %q, want %q", tt.kind, tt.err, got, tt.want)
		}
	}
}
