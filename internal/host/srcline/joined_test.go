package srcline

import (
	"debug/dwarf"
	"encoding/binary"
	"testing"
)

// TestJoined: a function whose name and type dwz has taken out of its file.
func TestJoined(t *testing.T) {
	le := binary.LittleEndian
	unit := func(body ...byte) []byte { // of DWARF 4, with abbreviations at 0 and addresses of 8 bytes
		b := le.AppendUint32(nil, uint32(7+len(body)))
		return append(append(b, 4, 0, 0, 0, 0, 0, 8), body...)
	}
	const first = 11 // the offset of a unit's first DIE
	own := map[string][]byte{
		"debug_str": []byte("unused\x00"),
		"debug_abbrev": {
			1, 0x11, 1, 0, 0, // compile unit
			2, 0x2e, 0, 0x03, 0xa1, 0x3e, 0x49, 0xa0, 0x3e, 0, 0, // subprogram: name GNU_strp_alt, type GNU_ref_alt
			0,
		},
		"debug_info": unit(1,
			2, 1, 0, 0, 0, first+1+7, 0, 0, 0, // "visit", the pointer
			0),
	}
	taken := map[string][]byte{
		"debug_str": []byte("\x00visit\x00int\x00"),
		"debug_abbrev": {
			1, 0x3c, 1, 0, 0, // partial unit
			2, 0x24, 0, 0x03, 0x0e, 0x0b, 0x0b, 0x3e, 0x0b, 0, 0, // base type: name strp, size, encoding
			3, 0x0f, 0, 0x49, 0x10, 0, 0, // pointer: type ref_addr
			0,
		},
		"debug_info": unit(1,
			2, 7, 0, 0, 0, 4, 5, // "int"
			3, first+1, 0, 0, 0,
			0),
	}
	sections := func(m map[string][]byte) Sections { return func(name string) []byte { return m[name] } }
	reader := func(supplement func() Sections) *Reader {
		return New(Config{Order: le, Sections: sections(own), Supplement: supplement}, new(Cache))
	}
	if reader(func() Sections { return nil }).Joined() != nil {
		t.Error("joined with nothing")
	}
	s := reader(func() Sections { return sections(taken) }).Joined()
	if s == nil {
		t.Fatal("not joined")
	}
	d, err := dwarf.New(s("debug_abbrev"), nil, nil, s("debug_info"), nil, nil, nil, s("debug_str"))
	if err != nil {
		t.Fatal(err)
	}
	r := d.Reader()
	r.Seek(first + 1)
	e, err := r.Next()
	if err != nil || e.Val(dwarf.AttrName) != "visit" {
		t.Fatalf("the function is %v, %v", e, err)
	}
	off, _ := e.Val(dwarf.AttrType).(dwarf.Offset)
	typ, err := d.Type(off)
	if err != nil || typ.String() != "*int" {
		t.Errorf("its type is %v, %v", typ, err)
	}

	for end := range len(taken["debug_info"]) { // damaged: refused, or what's left of it
		cut := map[string][]byte{"debug_str": taken["debug_str"], "debug_abbrev": taken["debug_abbrev"], "debug_info": taken["debug_info"][:end]}
		if s := reader(func() Sections { return sections(cut) }).Joined(); s != nil && len(s("debug_info")) != len(own["debug_info"])+end {
			t.Errorf("cut at %d: %d bytes", end, len(s("debug_info")))
		}
	}
}
