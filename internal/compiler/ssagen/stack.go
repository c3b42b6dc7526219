package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// A stack is 8 bytes: a reference to its frames. The kernel's own stack map takes most
// of them in one call, but refuses a stack whose hash falls on the bucket of another
// one; that one goes, by a hash of its own, into a second map. Nothing is lost, and the
// common case stays cheap.

const (
	stackBuckets = 16384 // of the kernel's stack map; a power of two
	stackSlow    = 4096  // elements of the second map
	errExist     = -17
)

// Flags of stack maps and of the helpers that take stacks (include/uapi/linux/bpf.h).
const (
	flagStackBuildID = 1 << 5  // BPF_F_STACK_BUILD_ID, of a map
	flagUserStack    = 1 << 8  // BPF_F_USER_STACK
	flagUserBuildID  = 1 << 11 // BPF_F_USER_BUILD_ID, of get_stack
)

// v6_1MemAlloc is the kernel whose hash maps may allocate in any context (bpf_mem_alloc);
// older ones refuse programs of perf events with such maps.
const v6_1MemAlloc = 6<<16 | 1<<8

// stackKey tells stacks apart that need maps of their own.
type stackKey struct {
	user, buildID bool
	limit         uint16
}

// name is what the maps are called.
func (k stackKey) name() string {
	switch {
	case k.buildID:
		return "ustack_id"
	case k.user:
		return "ustack"
	}
	return "kstack"
}

// frameShift is the binary logarithm of a frame's bytes: an address, or a struct
// bpf_stack_build_id (status, build id, offset).
func (k stackKey) frameShift() int64 {
	if k.buildID {
		return 5
	}
	return 3
}

// stackLimit is the most frames of a stack of type t: the script's limit, and of stacks that
// the kernel walks no more than it walks.
func (g *gen) stackLimit(t *types.Type) uint16 {
	most := g.info.Env.StackFrames()
	if limit := t.Stack.Limit; limit != 0 && (limit < most || t.Stack.Unwound) {
		return limit
	}
	return most
}

// stackSpec gives a stack type its maps.
func (g *gen) stackSpec(t *types.Type) object.StackSpec {
	limit := g.stackLimit(t)
	k := keyOfStack(t, limit)
	s, ok := g.stacks[k]
	if !ok {
		size := uint32(limit) << k.frameShift()
		s = object.StackSpec{Limit: limit, Slow: -1}
		fast := &object.Map{Name: k.name(), Kind: object.MapStackTrace, KeySize: 4, ValueSize: size, MaxEntries: stackBuckets}
		if k.buildID {
			fast.Flags = flagStackBuildID
		}
		s.Map = g.addMap(fast)
		slow := &object.Map{Name: k.name() + "_slow", Kind: object.MapHash, KeySize: 8, ValueSize: 8 + size, MaxEntries: stackSlow}
		if g.info.Facts.Kernel >= v6_1MemAlloc {
			slow.Flags = flagNoPrealloc
		} else {
			slow.MaxEntries = stackSlow / 4
		}
		s.Slow = g.addMap(slow)
		g.stacks[k] = s
	}
	s.Mode, s.Unwound = t.Stack.Mode, t.Stack.Unwound
	return s
}

func keyOfStack(t *types.Type, limit uint16) stackKey {
	return stackKey{t.Kind == types.Ustack, t.Kind == types.Ustack && t.Stack.Mode == object.StackBuildID, limit}
}

// stackRef takes the stack of kind t and gives its reference. One of no frames is no stack.
func (c *fn) stackRef(t *types.Type) *ssa.Value {
	if t.Stack.Limit == 0 {
		return c.constU(object.StackNone)
	}
	spec := c.stackSpec(t)
	if t.Stack.Unwound {
		return c.unwoundRef(spec)
	}
	return c.framedRef(t, spec)
}

// framedRef takes a stack as the kernel does, by frame pointers.
func (c *fn) framedRef(t *types.Type, spec object.StackSpec) *ssa.Value {
	flags := int64(0)
	if t.Kind == types.Ustack {
		flags = flagUserStack
	}
	id := c.call(fnStackID, ssa.I64, c.context(), c.mapPtr(spec.Map), c.constI(flags))
	return c.ifElse(c.cmp(ssa.OpSLe, c.constI(0), id), 1,
		func() *ssa.Value { return id },
		func() *ssa.Value {
			return c.ifElse(c.cmp(ssa.OpEq, id, c.constI(errExist)), 0,
				func() *ssa.Value { return c.slowStack(spec, flags) },
				func() *ssa.Value {
					return c.constU(object.StackNone)
				})
		})
}

// slowStack stores a stack under a hash of its frames.
func (c *fn) slowStack(spec object.StackSpec, flags int64) *ssa.Value {
	shift := int64(3)
	if spec.Mode == object.StackBuildID {
		shift, flags = stackKey{buildID: true}.frameShift(), flags|flagUserBuildID
	}
	size := uint32(spec.Limit) << shift
	buf := c.slot("frames", 8+size, 8)
	frames := c.addI(buf, 8)
	if 8+size <= 512 {
		// On the stack, older kernels want every byte of it written.
		c.zero(buf, 8+size, ssa.MemSlot, 8)
	}
	n := c.call(fnGetStack, ssa.I64, c.context(), frames, c.constU(uint64(size)), c.constI(flags))
	return c.ifElse(c.cmp(ssa.OpSLe, n, c.constI(0)), -1,
		func() *ssa.Value { return c.constU(object.StackNone) },
		func() *ssa.Value {
			c.store(buf, 0, c.bin(ssa.OpLShr, n, c.constI(shift)), 8, ssa.MemSlot)
			return c.keepStack(spec, buf, c.hashWords(frames, c.bin(ssa.OpLShr, n, c.constI(3))))
		})
}

// keepStack stores the frames in buf, behind their number, under their hash.
func (c *fn) keepStack(spec object.StackSpec, buf, hash *ssa.Value) *ssa.Value {
	key := c.slot("hash", 8, 8)
	c.store(key, 0, hash, 8, ssa.MemSlot)
	ret := c.call(fnMapUpdate, ssa.I64, c.mapPtr(spec.Slow), key, buf, c.constI(0))
	c.ifThen(c.cmp(ssa.OpSLt, ret, c.constI(0)), -1, func() { c.count(object.CounterStackError) })
	return hash
}

// hashWords is a multiply-and-xor hash of n words of 8 bytes, whose bound the
// verifier knows of get_stack. Its highest bit is set, which marks the reference.
func (c *fn) hashWords(frames, n *ssa.Value) *ssa.Value {
	hash := c.slot("hashed", 8, 8)
	c.store(hash, 0, c.constI(0), 8, ssa.MemSlot)
	get := func() *ssa.Value { return c.load(hash, 0, mem(8, ssa.MemSlot, false)) }
	c.countTo(n, 1, func(i *ssa.Value, _ *ssa.Block) {
		at := c.emit(ssa.OpAdd, ssa.Ptr, frames, c.bin(ssa.OpShl, i, c.constI(3)))
		c.store(hash, 0, c.hashWord(get(), c.load(at, 0, mem(8, ssa.MemSlot, false))), 8, ssa.MemSlot)
	})
	return c.hashEnd(get())
}

// hashWord takes a word into the hash of the words before.
func (c *fn) hashWord(h, word *ssa.Value) *ssa.Value {
	return c.bin(ssa.OpMul, c.bin(ssa.OpXor, h, word), c.constI(0x5bd1e995))
}

// hashEnd is the hash after the last word.
func (c *fn) hashEnd(h *ssa.Value) *ssa.Value {
	h = c.bin(ssa.OpXor, h, c.bin(ssa.OpLShr, h, c.constI(32)))
	return c.emit(ssa.OpNot, ssa.I64, c.bin(ssa.OpLShr, h, c.constI(1)))
}

// context is the program's context, from a callback too.
func (c *fn) context() *ssa.Value {
	if c.outer == nil {
		return c.ctx
	}
	return c.loadPtr(c.frameBase, frameCtx, ssa.MemSlot)
}
