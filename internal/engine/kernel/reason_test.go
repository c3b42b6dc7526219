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
