package ssagen

import (
	"github.com/skep-bpf/skep/internal/bpf/object"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// scalar reports whether a value of type t is held in a register.
func scalar(t *types.Type) bool {
	switch t.Kind {
	case types.Int, types.Bool, types.Enum, types.Pointer, types.Ksym, types.Kstack,
		types.Timestamp, types.CgroupPath, types.Username:
		return true
	}
	return false
}

// bytesOf is the space that a value of type t takes in memory.
func bytesOf(t *types.Type) uint32 {
	switch t.Kind {
	case types.Bool:
		return 1
	case types.Buf:
		return 4 + t.Size
	case types.Pointer, types.Ksym, types.Kstack, types.Timestamp, types.CgroupPath, types.Username,
		types.Count, types.Sum:
		return 8
	case types.Usym, types.Ustack, types.Avg, types.Min, types.Max, types.Stats:
		return 16
	case types.Inet:
		return 20
	case types.Mac:
		return 6
	case types.Hist, types.Lhist, types.Bhist:
		return 8 * histLen(t)
	case types.Summary:
		return object.SummaryMoments + 8*summaryLen(t)
	case types.Struct:
		if t.S != nil {
			return t.S.Size
		}
	case types.Array:
		return t.Len * bytesOf(t.Elem)
	}
	return t.Size
}

// alignOf is the alignment of a value of type t: 1, 2, 4 or 8.
func alignOf(t *types.Type) uint32 {
	switch t.Kind {
	case types.Bool, types.String, types.Mac:
		return 1
	case types.Int, types.Enum:
		if t.Size > 0 {
			return t.Size
		}
	case types.Buf, types.Inet:
		return 4
	case types.Array:
		return alignOf(t.Elem)
	case types.Tuple, types.Record:
		a := uint32(1)
		for _, f := range t.Fields {
			a = max(a, alignOf(f.Type))
		}
		return a
	case types.Struct:
		switch n := bytesOf(t); {
		case n%8 == 0:
			return 8
		case n%4 == 0:
			return 4
		case n%2 == 0:
			return 2
		}
		return 1
	}
	return 8
}

// histLen is the number of buckets of a histogram.
func histLen(t *types.Type) uint32 {
	if t.Hist.Len != 0 {
		return t.Hist.Len
	}
	if t.Kind == types.Lhist {
		return uint32((t.Hist.Max-t.Hist.Min)/t.Hist.Step) + 2
	}
	return log2Len(t.Hist.Bits)
}

// summaryLen is the number of buckets of a summary.
func summaryLen(t *types.Type) uint32 {
	if t.Signed {
		return 2 * t.Digest.Len()
	}
	return t.Digest.Len()
}

// log2Len is the number of buckets of hist(n, bits): negative, and the log-linear ones up to 2^64.
func log2Len(bits uint8) uint32 {
	return 1 + uint32(64-bits+1)<<bits
}

// runtimeType is t as those who print need it.
func (g *gen) runtimeType(t *types.Type) *object.Type {
	if t == nil {
		return nil
	}
	if r := g.layouts[t]; r != nil {
		return r
	}
	r := &object.Type{Size: bytesOf(t), Signed: t.Signed, Name: t.Name}
	g.layouts[t] = r
	if t.IsFloat() {
		return r // of no kind: it's printed as null
	}
	switch t.Kind {
	case types.Int:
		r.Kind = object.Int
	case types.Bool:
		r.Kind = object.Bool
	case types.Enum:
		r.Kind = object.Enum
		r.Names = map[uint64]string{}
		if t.Enum != nil {
			r.Bits, r.Point = t.Enum.Bits, t.Enum.Point
			for _, e := range t.Enum.Values {
				if _, dup := r.Names[e.Val]; !dup {
					r.Names[e.Val] = e.Name
				}
			}
		}
	case types.String:
		r.Kind = object.String
	case types.Buf:
		r.Kind, r.Size = object.Buf, t.Size
	case types.Pointer:
		r.Kind = object.Pointer
	case types.Struct:
		r.Kind = object.Struct
		if t.S != nil {
			r.Name = t.S.Name
			r.Fields = g.runtimeFields(t.S, t.S.Fields())
		}
	case types.Array:
		r.Kind, r.Elem, r.Len = object.Array, g.runtimeType(t.Elem), t.Len
	case types.Tuple:
		r.Kind, r.Fields = object.Tuple, g.runtimeFields(nil, t.Fields)
	case types.Record:
		r.Kind, r.Fields = object.Record, g.runtimeFields(nil, t.Fields)
	case types.Ksym:
		r.Kind = object.Ksym
	case types.Usym:
		r.Kind = object.Usym
	case types.Kstack:
		r.Kind, r.Stack = object.Kstack, g.stackSpec(t)
	case types.Ustack:
		r.Kind, r.Stack = object.Ustack, g.stackSpec(t)
	case types.Inet:
		r.Kind = object.Inet
	case types.Mac:
		r.Kind = object.Mac
	case types.Timestamp:
		r.Kind, r.Format, r.Clock = object.Timestamp, t.Format, t.Clock
	case types.Username:
		r.Kind = object.Username
	case types.CgroupPath:
		r.Kind, r.Format, r.Cgroup = object.CgroupPath, t.Format, t.Cgroup
	case types.Count:
		r.Kind = object.Count
	case types.Sum:
		r.Kind = object.Sum
	case types.Avg:
		r.Kind, r.Places = object.Avg, t.Places
	case types.Min:
		r.Kind = object.Min
	case types.Max:
		r.Kind = object.Max
	case types.Stats:
		r.Kind = object.Stats
	case types.Hist:
		r.Kind, r.Hist = object.Hist, t.Hist
		r.Hist.Len = histLen(t)
	case types.Lhist:
		r.Kind, r.Hist = object.Lhist, t.Hist
		r.Hist.Len = histLen(t)
	case types.Bhist:
		r.Kind, r.Bounds = object.Bhist, t.Bounds
		r.Hist.Len = histLen(t)
	case types.Summary:
		r.Kind, r.Digest = object.Summary, t.Digest
	case types.TSeries:
		r.Kind, r.Series = object.TSeries, t.Series
	}
	return r
}

func (g *gen) runtimeFields(s *types.StructType, fs []types.Field) []object.Field {
	out := make([]object.Field, 0, len(fs))
	for _, f := range fs {
		if s != nil && f.Name == "" && f.Type.Kind == types.Struct && f.Type.S != nil {
			for _, m := range g.runtimeFields(f.Type.S, f.Type.S.Fields()) {
				m.Offset += f.Offset
				out = append(out, m)
			}
			continue
		}
		out = append(out, object.Field{Name: f.Name, Offset: f.Offset, Type: g.runtimeType(types.MemberType(s, f.Type)), BitOff: f.BitOff, BitLen: f.BitLen})
	}
	return out
}
