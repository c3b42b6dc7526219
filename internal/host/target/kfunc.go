package target

import (
	"bytes"
	"encoding/binary"
	"errors"
	"unsafe"

	"github.com/skep-bpf/skep/internal/bpf/isa"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// Kfunc is the signature of a kernel function that BPF programs may call.
func (e *Env) Kfunc(name string) (*types.Signature, bool) { return e.KernelFunc("", name) }

// tracingTarget is a raw tracepoint of every kernel: a tracing program needs some target to
// be looked at.
const tracingTarget = "btf_trace_sched_switch"

// KfuncAllowed tells whether programs of a kind of probe may call a kernel function: it has the
// verifier look at one that does. What it says of the arguments, which aren't there, comes later.
func (e *Env) KfuncAllowed(name string, kind probe.Kind) (bool, error) {
	b := e.btf()
	info := kind.Info()
	if b == nil || info == nil {
		return false, e.Err()
	}
	fn, ok := b.Find(name, kern.KindFunc)
	if !ok {
		return false, nil
	}
	if e.CheckOnly {
		return true, nil // nobody asks the verifier
	}
	insns := []isa.Insn{isa.CallKfunc(int32(fn.ID)), isa.MovImm(isa.R0, 0), isa.Exit()}
	code, err := isa.Encode(insns, binary.NativeEndian)
	if err != nil {
		return false, err
	}
	license, log := []byte("GPL\x00"), make([]byte, 4096)
	attr := sys.ProgLoadAttr{Type: uint32(info.Prog), Insns: unsafe.Pointer(&code[0]), InsnCnt: 3,
		License: unsafe.Pointer(&license[0]), LogLevel: 1, LogBuf: unsafe.Pointer(&log[0]), LogSize: uint32(len(log))}
	if info.Prog == probe.ProgTracing {
		target, ok := b.Find(tracingTarget, kern.KindTypedef)
		if !ok {
			return false, errors.New("the kernel's types have no " + tracingTarget)
		}
		attr.ExpectedAttachType, attr.AttachBTFID = uint32(probe.AttachTraceRawTP), uint32(target.ID)
	}
	fd, err := sys.ProgLoad(&attr)
	if err == nil {
		return true, sys.Close(fd)
	}
	if errors.Is(err, sys.EPERM) {
		return false, err
	}
	return !bytes.Contains(log, []byte("is not allowed")) && bytes.Contains(log, []byte("R1")), nil
}

// KernelVar tells whether the kernel's types have a per-CPU variable.
func (e *Env) KernelVar(name string) bool {
	b := e.btf()
	if b == nil {
		return false
	}
	_, ok := b.Find(name, kern.KindVar)
	return ok
}
