package event

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/engine"
)

// indent stands before each frame of a stack in bpftrace's own form.
const indent = "        "

// buildIDSize is the size of struct bpf_stack_build_id (include/uapi/linux/bpf.h):
// s32 status, 20 bytes build id, u64 offset or address.
const buildIDSize = 32

// buildIDValid is BPF_STACK_BUILD_ID_VALID: build id and offset are there.
const buildIDValid = 1

// Frame is one entry of a stack: an address, or an offset into the file of BuildID.
type Frame struct {
	Addr    uint64
	BuildID string // hexadecimal; "" when Addr is an address
}

// Stack is a stack read from the maps, innermost frame first.
type Stack struct {
	Kernel bool
	Pid    uint32 // of a user stack
	Mode   object.StackMode
	Frames []Frame
}

// Stack reads the stack that a Kstack or Ustack value refers to. A stack that wasn't
// taken, or is gone by now, has no frames.
func (d *Decoder) Stack(t *object.Type, b []byte) (Stack, error) {
	if uint64(len(b)) < uint64(t.Size) {
		return Stack{}, short(t, len(b))
	}
	s := Stack{Kernel: t.Kind == object.Kstack, Mode: t.Stack.Mode}
	if !s.Kernel {
		s.Pid = order.Uint32(b[8:])
	}
	raw, err := d.rawStack(&t.Stack, order.Uint64(b))
	if err != nil || raw == nil {
		return s, err
	}
	if s.Mode == object.StackBuildID {
		s.Frames = buildIDFrames(raw, int(t.Stack.Limit))
		return s, nil
	}
	for i := 0; i+8 <= len(raw) && len(s.Frames) < int(t.Stack.Limit); i += 8 {
		addr := order.Uint64(raw[i:])
		if addr == 0 {
			break
		}
		s.Frames = append(s.Frames, Frame{Addr: addr})
	}
	return s, nil
}

// rawStack is the frames' bytes behind a stack reference, or nil.
func (d *Decoder) rawStack(spec *object.StackSpec, ref uint64) ([]byte, error) {
	if ref == object.StackNone {
		return nil, nil
	}
	index, key := spec.Map, order.AppendUint32(nil, uint32(ref))
	slow := ref&object.StackSlow != 0
	if slow {
		index, key = spec.Slow, order.AppendUint64(nil, ref)
	}
	if d.Maps == nil || index < 0 {
		return nil, fmt.Errorf("read stack %#x: the object has no map for it", ref)
	}
	raw, err := d.Maps.Map(index).Lookup(key)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read stack %#x: %w", ref, err)
	}
	if !slow {
		return raw, nil
	}
	if len(raw) < 8 {
		return nil, fmt.Errorf("read stack %#x: %d bytes", ref, len(raw))
	}
	size := uint64(8)
	if spec.Mode == object.StackBuildID {
		size = buildIDSize
	}
	n := min(order.Uint64(raw)*size, uint64(len(raw)-8))
	return raw[8 : 8+n], nil
}

func buildIDFrames(raw []byte, limit int) []Frame {
	var frames []Frame
	for ; len(raw) >= buildIDSize && len(frames) < limit; raw = raw[buildIDSize:] {
		addr := order.Uint64(raw[24:])
		switch status := order.Uint32(raw); {
		case status == buildIDValid:
			frames = append(frames, Frame{addr, fmt.Sprintf("%x", raw[4:24])})
		case addr == 0:
			return frames
		default:
			frames = append(frames, Frame{Addr: addr})
		}
	}
	return frames
}

// stackText is a stack as all outputs print it: a new line, then a line a frame.
func (d *Decoder) stackText(s *Stack) string {
	var t strings.Builder
	t.WriteByte('\n')
	for i, f := range s.Frames {
		hex := strconv.FormatUint(f.Addr, 16)
		switch {
		case f.BuildID != "":
			fmt.Fprintf(&t, "%s 0x%02x\n", f.BuildID, f.Addr)
		case s.Mode == object.StackRaw || s.Mode == object.StackBuildID:
			t.WriteString(hex + "\n")
		default:
			for _, name := range d.frame(s, f.Addr, i > 0) {
				if s.Mode == object.StackPerf {
					t.WriteString("\t" + hex + " " + name + "\n")
				} else {
					t.WriteString(indent + name + "\n")
				}
			}
		}
	}
	return t.String()
}

func (d *Decoder) frame(s *Stack, addr uint64, returns bool) []string {
	switch {
	case d.Names == nil:
		return []string{"0x" + strconv.FormatUint(addr, 16)}
	case s.Kernel:
		return d.Names.KernelFrame(addr, s.Mode)
	}
	return d.Names.UserFrame(s.Pid, addr, returns, s.Mode)
}

// hexText is an address that nothing could name.
func hexText(n uint64) Value {
	return Value{Kind: String, Text: "0x" + strconv.FormatUint(n, 16)}
}
