package ssagen

import (
	"slices"

	"github.com/skep-bpf/skep/internal/compiler/ssa"
	"github.com/skep-bpf/skep/internal/lang/types"
	"github.com/skep-bpf/skep/internal/probe"
)

// Helper ids (include/uapi/linux/bpf.h) that ssagen calls by number; bpf/helper has their rows.
const (
	fnMapLookup          = 1
	fnMapUpdate          = 2
	fnMapDelete          = 3
	fnProbeRead          = 4
	fnKtimeNS            = 5
	fnPrandom            = 7
	fnCPU                = 8
	fnPidTgid            = 14
	fnUidGid             = 15
	fnComm               = 16
	fnStackID            = 27
	fnTask               = 35
	fnTaskUnderCgroup    = 37
	fnNumaNode           = 42
	fnProbeReadStr       = 45
	fnGetStack           = 67
	fnCgroupID           = 80
	fnSendSignal         = 109
	fnProbeReadUser      = 112
	fnProbeReadKernel    = 113
	fnProbeReadUserStr   = 114
	fnProbeReadKernelStr = 115
	fnSendSignalThread   = 117
	fnJiffies            = 118
	fnNsPidTgid          = 120
	fnKtimeBoot          = 125
	fnSeqPrintf          = 126
	fnSeqWrite           = 127
	fnRingbufOutput      = 130
	fnRingbufReserve     = 131
	fnRingbufSubmit      = 132
	fnDPath              = 147
	fnTaskBTF            = 158
	fnForEachMap         = 164
	fnFuncIP             = 173
	fnFuncRet            = 184
	fnCookie             = 174
	fnLoop               = 181
	fnPercpuLookup       = 195
	fnTaiNS              = 208
	fnTracePrintk        = 6
	fnSkbOutput          = 111
	fnTaskRegs           = 175
	fnWriteUser          = 36
	fnSocketCookie       = 46
	fnOverride           = 58
	fnPerCPUPtr          = 153
	fnThisCPUPtr         = 154
)

// ref is a place in memory.
type ref struct {
	base  *ssa.Value
	off   int64
	class ssa.MemClass // how it's read directly
	// probed: it's an address that only the probe-read helpers may follow; user says which.
	probed, user bool
	// any: nothing is known of the address's space, and the kernel looks.
	any bool
}

// reader is the helper that copies bytes from a probed place, or a string.
func (r ref) reader(str bool) int64 {
	switch {
	case r.any && str:
		return fnProbeReadStr
	case r.any:
		return fnProbeRead
	case r.user && str:
		return fnProbeReadUserStr
	case r.user:
		return fnProbeReadUser
	case str:
		return fnProbeReadKernelStr
	}
	return fnProbeReadKernel
}

// align is what's known of the place's address: 1, 2, 4 or 8.
func (r ref) align() uint32 { return min(alignAt(r.base), lowBit(uint32(r.off))) }

func (r ref) add(n int64) ref { r.off += n; return r }

// own reports whether the place is in the program's or the script's memory.
func (r ref) own() bool {
	return !r.probed && (r.class == ssa.MemSlot || r.class == ssa.MemMap || r.class == ssa.MemConst)
}

// operand is a value of the language: a scalar in v, or bytes at ref.
type operand struct {
	t   *types.Type
	v   *ssa.Value
	ref ref
	lit *string // a string literal's bytes, without a NUL
	// chars: the bytes of a string are a C array's, whose last one may be no NUL.
	chars bool
	// btf: v is a pointer whose type the verifier knows, so it's followed directly.
	btf bool
	// nonNull: v is known not to be NULL, also to the verifier.
	nonNull bool
	// local: v points to this program's own memory (&$x, &@m[k]): MemClass in ref.class.
	local bool
}

func (c *fn) refAddr(r ref) *ssa.Value { return c.addI(r.base, r.off) }

// userSpace tells whether pointers of this probe without a known space are user's.
func (c *fn) userSpace() bool {
	switch c.kind {
	case probe.Uprobe, probe.Uretprobe, probe.USDT:
		return true
	}
	return false
}

// follow is the place that pointer p points to.
func (c *fn) follow(p operand) ref {
	switch {
	case p.local:
		return ref{base: p.v, class: p.ref.class}
	case p.btf:
		return ref{base: p.v, class: ssa.MemKernel}
	}
	user := c.userSpace()
	switch p.t.Space {
	case types.SpaceKernel, types.SpaceBTF, types.SpaceLocal:
		user = false
	case types.SpaceUser:
		user = true
	case types.SpaceCtx:
		return ref{base: p.v, class: ssa.MemCtx}
	}
	return ref{base: p.v, probed: true, user: user, any: !user && p.t.Space == types.SpaceNone}
}

// deref is the value at r of type t: loaded when it's a scalar, left in place otherwise.
func (c *fn) deref(r ref, t *types.Type) operand {
	if !scalar(t) {
		return operand{t: t, ref: r}
	}
	size := bytesOf(t)
	signed := t.Signed && t.Kind != types.Pointer
	if r.probed {
		buf := c.slot("read", size, size)
		c.probeRead(buf, size, r)
		return operand{t: t, v: c.load(buf, 0, mem(size, ssa.MemSlot, signed))}
	}
	o := operand{t: t}
	known := r.class == ssa.MemKernel || r.class == ssa.MemCtx && c.kind == probe.Iter
	if known && t.Kind == types.Pointer && t.Elem != nil && t.Elem.Kind == types.Struct && t.Space != types.SpaceUser {
		o.v, o.btf = c.loadPtr(r.base, r.off, r.class), true
		return o
	}
	o.v = c.load(r.base, r.off, mem(size, r.class, signed))
	return o
}

// probeRead copies n bytes at r to dst, which is zeroed if they can't be read.
func (c *fn) probeRead(dst *ssa.Value, n uint32, r ref) {
	id := r.reader(false)
	ret := c.call(id, ssa.I64, dst, c.constU(uint64(n)), c.refAddr(r))
	c.helperError(id, ret)
}

// copyTo copies n bytes at r to dst.
func (c *fn) copyTo(dst *ssa.Value, dc ssa.MemClass, r ref, n, align uint32) {
	switch {
	case r.probed:
		c.probeRead(dst, n, r)
	case r.class == ssa.MemKernel:
		// Direct loads would have to keep to the members' bounds; one read has not.
		c.probeRead(dst, n, r)
	case r.class == ssa.MemCtx && r.off == 0 && c.kind == probe.Tracepoint:
		// All of a tracepoint's record. The kernel has a pointer in its first word, which
		// programs may not load, and no loads behind the last field.
		c.zero(dst, min(n, 8), dc, align)
		if n > 8 {
			c.probeRead(c.addI(dst, 8), n-8, r.add(8))
		}
	default:
		c.move(dst, dc, c.refAddr(r), r.class, n, align)
	}
}

// inMemory gives o a place that can be loaded from directly.
func (c *fn) inMemory(o operand) ref {
	n := bytesOf(o.t)
	switch {
	case o.lit != nil:
		buf := c.slot("lit", n, 8)
		c.storeBytes(buf, ssa.MemSlot, []byte(*o.lit), n)
		return ref{base: buf, class: ssa.MemSlot}
	case o.v != nil:
		buf := c.slot("val", n, alignOf(o.t))
		c.store(buf, 0, o.v, n, ssa.MemSlot)
		return ref{base: buf, class: ssa.MemSlot}
	case o.ref.probed || o.ref.class == ssa.MemKernel:
		buf := c.slot("copy", n, min(8, max(1, alignOf(o.t))))
		c.copyTo(buf, ssa.MemSlot, o.ref, n, alignOf(o.t))
		return ref{base: buf, class: ssa.MemSlot}
	}
	return o.ref
}

// inBytes is inMemory for what is read by the byte. The verifier refuses that where a pointer
// is spilled; a helper's copy is plain bytes.
func (c *fn) inBytes(o operand) ref {
	r := c.inMemory(o)
	if o.lit != nil || o.v != nil && o.v.Op == ssa.OpConst || !mayPoint(o.t) {
		return r
	}
	n := bytesOf(o.t)
	buf := c.slot("bytes", n, 8)
	c.call(fnProbeReadKernel, ssa.I64, buf, c.constU(uint64(n)), c.refAddr(r))
	return ref{base: buf, class: ssa.MemSlot}
}

// mayPoint reports whether a value of type t has 8 bytes that can be a pointer's.
func mayPoint(t *types.Type) bool {
	return t.Kind == types.Pointer || t.Kind == types.Int && t.Size == 8 ||
		slices.ContainsFunc(t.Fields, func(f types.Field) bool { return mayPoint(f.Type) })
}

// storeBytes writes b and zeroes up to n bytes at p, by the widest stores.
func (c *fn) storeBytes(p *ssa.Value, class ssa.MemClass, b []byte, n uint32) {
	if uint32(len(b)) > n {
		b = b[:n]
	}
	off := uint32(0)
	if len(b) > 64 {
		i, o := c.rodata.place(c.gen, append(append([]byte(nil), b...), 0))
		c.move(p, class, c.mapValue(i, o), ssa.MemConst, uint32(len(b)), 1)
		off = uint32(len(b))
		b = nil
	}
	for rest := b; len(rest) > 0; {
		w := alignAt(p)
		for off%w != 0 || off+w > n {
			w >>= 1
		}
		var x uint64
		for i := uint32(0); i < w && int(i) < len(rest); i++ {
			x |= uint64(rest[i]) << (8 * i)
		}
		c.store(p, int64(off), c.constI(signExtend(x, w)), w, class)
		rest = rest[min(int(w), len(rest)):]
		off += w
	}
	if off < n {
		c.zero(c.addI(p, int64(off)), n-off, class, lowBit(off))
	}
}

// signExtend makes x, of w bytes, an int64, so that it fits an immediate when it can.
func signExtend(x uint64, w uint32) int64 {
	shift := 64 - 8*w
	return int64(x<<shift) >> shift
}

// lowBit is the alignment, up to 8, of offset n in something aligned to 8.
func lowBit(n uint32) uint32 {
	for _, a := range []uint32{8, 4, 2} {
		if n%a == 0 {
			return a
		}
	}
	return 1
}
