package target

import (
	"errors"
	"strings"

	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/lang/types"
)

// Tracepoint is a tracepoint's record: offsets from the context's start. Without
// tracefs it's made of BTF where the kernel's struct goes by the event's name.
func (e *Env) Tracepoint(category, name string) (*types.StructType, bool) {
	key := category + ":" + name
	if s, ok := e.points[key]; ok {
		return s, s != nil
	}
	s := e.tracepoint(category, name)
	e.points[key] = s
	return s, s != nil
}

func (e *Env) tracepoint(category, name string) *types.StructType {
	ev, err := e.kernel.Event(category, name)
	if err == nil {
		return e.record(ev)
	}
	if errors.Is(err, kern.ErrNoEvent) {
		return nil
	}
	if s := e.rawRecord(category, name); s != nil {
		return s
	}
	e.trouble(err)
	return nil
}

func (e *Env) record(ev *kern.Event) *types.StructType {
	// The pointers that system calls are given are their callers'.
	space := types.SpaceKernel
	if ev.Category == "syscalls" {
		space = types.SpaceUser
	}
	var fields []types.Field
	size := uint32(0)
	for _, f := range ev.Fields {
		fields = append(fields, types.Field{Name: f.Name, Offset: f.Offset, DataLoc: f.DataLoc,
			Type: e.eventType(f, space)})
		size = max(size, f.Offset+f.Size)
	}
	return types.NewStruct(recordName(ev.Category, ev.Name), size, fields)
}

func recordName(category, name string) string {
	return "struct _tracepoint_" + category + "_" + name
}

// eventType is a field's type. Size and sign are the file's: the syscalls' arguments
// are 8 bytes each, whatever their C type.
func (e *Env) eventType(f kern.EventField, space types.Space) *types.Type {
	if f.DataLoc {
		return &types.Type{Kind: types.Int, Size: 8, Signed: true}
	}
	t, ok := e.cType(f.Type, space)
	if f.RelLoc || !ok || t.Size == 0 {
		return plainType(f)
	}
	if f.Array {
		return &types.Type{Kind: types.Array, Elem: t, Len: f.Size / t.Size, Size: f.Size}
	}
	if t.Kind != types.Int && t.Kind != types.Enum || t.Size == f.Size && t.Signed == f.Signed {
		return t
	}
	if !validInt(f.Size) {
		return plainType(f)
	}
	sized := *t
	sized.Size, sized.Signed = f.Size, f.Signed
	return &sized
}

// plainType is a field's type when its C type isn't known: an integer of its size, or bytes.
func plainType(f kern.EventField) *types.Type {
	if validInt(f.Size) {
		return &types.Type{Kind: types.Int, Size: f.Size, Signed: f.Signed}
	}
	u8 := &types.Type{Kind: types.Int, Size: 1}
	return &types.Type{Kind: types.Array, Elem: u8, Len: f.Size, Size: f.Size}
}

func validInt(size uint32) bool { return size == 1 || size == 2 || size == 4 || size == 8 }

// rawRecord reads struct trace_event_raw_NAME: the record's C struct, which begins
// with struct trace_entry, ends in char __data[], and calls its
// dynamic fields __data_loc_… (include/trace/stages/stage1_struct_define.h).
func (e *Env) rawRecord(category, name string) *types.StructType {
	t, ok := e.find(func(b *kern.BTF) (kern.Type, bool) {
		return b.Find("trace_event_raw_"+name, kern.KindStruct)
	})
	if !ok {
		return nil
	}
	var fields []types.Field
	t.Members(func(m kern.Member) bool {
		f := types.Field{Name: m.Name, Type: e.conv.convert(m.Type), Offset: m.Bit / 8}
		switch loc, dynamic := strings.CutPrefix(m.Name, "__data_loc_"); {
		case m.Type.Name() == "trace_entry":
			for _, c := range e.conv.fields(m.Type) {
				c.Name = "common_" + c.Name
				fields = append(fields, c)
			}
			return true
		case m.Name == "__data":
			return true
		case dynamic:
			f.Name, f.DataLoc = loc, true
			f.Type = &types.Type{Kind: types.Int, Size: 8, Signed: true}
		}
		fields = append(fields, f)
		return true
	})
	return types.NewStruct(recordName(category, name), t.Size(), fields)
}
