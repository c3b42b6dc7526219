package btf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// builder makes types as one compilation after another would.
type builder struct{ *Types }

func newBuilder() builder { return builder{NewTypes(NewStrings())} }

func (b builder) add(k Kind, name string, size uint32, parts ...uint32) ID {
	f := &forms[k]
	n := 0
	if f.each > 0 {
		n = (len(parts) - int(f.fixed)) / int(f.each)
	}
	return b.Add(append(Record{uint32(b.Strings.Name(name)), uint32(k)<<24 | uint32(n), size}, parts...))
}

func (b builder) name(s string) uint32 { return uint32(b.Strings.Name(s)) }

// list is a compilation's `struct node { struct node *next; struct owner *owner; int v; }`,
// of which owner is a forward declaration or a struct.
func (b builder) list(owner Kind, valueSize uint32) (node ID) {
	i := b.add(KindInt, "int", valueSize, 32)
	var o ID
	if owner == KindFwd {
		o = b.add(KindFwd, "owner", 0)
	} else {
		o = b.add(owner, "owner", 4, b.name("id"), uint32(i), 0)
	}
	op := b.add(KindPtr, "", uint32(o))
	node = b.End()
	b.add(KindStruct, "node", 24, b.name("next"), uint32(node+1), 0, b.name("owner"), uint32(op), 64, b.name("v"), uint32(i), 128)
	b.add(KindPtr, "", uint32(node))
	return node
}

func (b builder) count() string {
	var s []string
	for id := ID(1); id < b.End(); id++ {
		s = append(s, strings.TrimSpace(b.Record(id).Kind().String()+" "+b.Name(id)))
	}
	return strings.Join(s, ", ")
}

func TestDedup(t *testing.T) {
	for _, c := range []struct {
		what string
		make func(b builder)
		want string
	}{
		{"a struct that refers to itself, twice", func(b builder) { b.list(KindStruct, 4); b.list(KindStruct, 4) },
			"int int, struct owner, pointer, struct node, pointer"},
		{"a declaration, and the struct elsewhere", func(b builder) { b.list(KindFwd, 4); b.list(KindStruct, 4) },
			"int int, pointer, struct node, pointer, struct owner"},
		{"the struct, and a declaration elsewhere", func(b builder) { b.list(KindStruct, 4); b.list(KindFwd, 4) },
			"int int, struct owner, pointer, struct node, pointer"},
		{"a declaration of a struct, and a union of its name", func(b builder) { b.list(KindFwd, 4); b.list(KindUnion, 4) },
			"int int, forward declaration owner, pointer, struct node, pointer, union owner, pointer, struct node, pointer"},
		{"structs that differ in what a member is", func(b builder) { b.list(KindStruct, 4); b.list(KindStruct, 8) },
			"int int, struct owner, pointer, struct node, pointer, int int, struct owner, pointer, struct node, pointer"},
		{"an enum and its declaration", func(b builder) {
			b.add(KindEnum, "e", 4)
			b.add(KindPtr, "", 1)
			b.add(KindEnum, "e", 4, b.name("A"), 1)
			b.add(KindPtr, "", 3)
		}, "pointer, enum e"},
		{"typedefs and qualifiers", func(b builder) {
			for range 2 {
				i := b.add(KindInt, "int", 4, 32)
				td := b.add(KindTypedef, "u32", uint32(i))
				b.add(KindConst, "", uint32(td))
				b.add(KindTypeTag, "user", uint32(td))
			}
			b.add(KindTypeTag, "rcu", 2)
		}, "int int, typedef u32, const, type tag user, type tag rcu"},
		{"functions by their parameters' names", func(b builder) {
			for _, p := range []string{"a", "a", "b"} {
				i := b.add(KindInt, "int", 4, 32)
				proto := b.add(KindFuncProto, "", uint32(i), b.name(p), uint32(i))
				b.add(KindFunc, "f", uint32(proto))
			}
		}, "int int, function prototype, function f, function prototype, function f"},
		{"arrays by their length", func(b builder) {
			i := b.add(KindInt, "int", 4, 32)
			for _, n := range []uint32{2, 3, 2} {
				b.add(KindArray, "", 0, uint32(i), uint32(i), n)
			}
		}, "int int, array, array"},
	} {
		b := newBuilder()
		c.make(b)
		to, err := b.Dedup(nil)
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if got := b.count(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.what, got, c.want)
		}
		for id := ID(1); id < b.End(); id++ {
			b.Record(id).Refs(func(ref ID) {
				if ref >= b.End() {
					t.Errorf("%s: type %d refers to %d of %d", c.what, id, ref, b.End())
				}
			})
		}
		for old, id := range to {
			if id >= b.End() {
				t.Errorf("%s: type %d became %d of %d", c.what, old, id, b.End())
			}
		}
	}
}

// TestDedupCanon: what the caller knows before, and what tags follow.
func TestDedupCanon(t *testing.T) {
	b := newBuilder()
	i := b.add(KindInt, "int", 4, 32)
	extern := b.add(KindVar, "x", uint32(i), LinkExtern)
	defined := b.add(KindVar, "x", uint32(i), LinkGlobal)
	gone := b.add(KindVar, "license", uint32(i), LinkGlobal)
	b.add(KindDeclTag, "kept", uint32(extern), 1<<32-1)
	b.add(KindDeclTag, "gone", uint32(gone), 1<<32-1)
	canon := []ID{0, i, defined, defined, Dropped, 5, 6}
	to, err := b.Dedup(canon)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := b.count(), "int int, variable x, declaration tag kept"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if to[extern] != to[defined] || to[gone] != Dropped || b.Record(to[extern]).Linkage() != LinkGlobal || b.Record(to[5]).Ref() != to[defined] {
		t.Errorf("types became %v", to)
	}
}

func TestDedupRing(t *testing.T) {
	b := newBuilder()
	b.add(KindConst, "", 2)
	b.add(KindPtr, "", 1)
	if _, err := b.Dedup(nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("got %v", err)
	}
}

// TestEncode: what's written is read again, in both byte orders, without strings that nobody needs.
func TestEncode(t *testing.T) {
	for _, order := range []Order{binary.LittleEndian, binary.BigEndian} {
		b := newBuilder()
		b.name("unused string")
		b.list(KindStruct, 4)
		data := b.Encode(order, NewLayout(b.Strings))
		if OrderOf(data) != order || strings.Contains(string(data), "unused") {
			t.Errorf("%s: wrong order, or an unused string is there", order)
		}
		types, _, err := Read(data, order, NewStrings())
		if err != nil {
			t.Fatal(err)
		}
		if got, want := (builder{types}).count(), b.count(); got != want {
			t.Errorf("%s: got %s, want %s", order, got, want)
		}
		name, typ, bit, bits := types.Record(4).Member(1)
		if fmt.Sprint(types.Strings.At(name), typ, bit, bits) != fmt.Sprint("owner", 3, 64, 0) {
			t.Errorf("%s: member 1 is %s of type %d at %d:%d", order, types.Strings.At(name), typ, bit, bits)
		}
	}
}

func TestMalformed(t *testing.T) {
	b := newBuilder()
	b.list(KindStruct, 4)
	good := b.Encode(binary.LittleEndian, NewLayout(b.Strings))
	for what, change := range map[string]func(d []byte){
		"magic":        func(d []byte) { d[0] = 0 },
		"header":       func(d []byte) { d[4] = 0xff },
		"kind":         func(d []byte) { d[headerLen+7] = 0x1f },
		"name":         func(d []byte) { d[headerLen+2] = 0xff },
		"reference":    func(d []byte) { d[headerLen+16+12+6] = 0xff },
		"end of types": func(d []byte) { d[headerLen+4+16] = 0xff },
		"last NUL":     func(d []byte) { d[len(d)-1] = 'x' },
	} {
		data := append([]byte(nil), good...)
		change(data)
		if _, _, err := Read(data, binary.LittleEndian, NewStrings()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
