package link

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skep-bpf/skep/internal/bpf/btf"
	"github.com/skep-bpf/skep/internal/bpf/elfobj"
)

// files reads objects of testdata, which testdata/build.sh makes of the sources beside them.
func files(t testing.TB, names string) []File {
	var fs []File
	for _, n := range strings.Fields(names) {
		data, err := os.ReadFile(filepath.Join("testdata", n+".o"))
		if err != nil {
			t.Fatal(err)
		}
		fs = append(fs, File{n + ".o", data})
	}
	return fs
}

func mustLink(t testing.TB, names string) []byte {
	data, err := Link(files(t, names))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t testing.TB, data []byte) *elfobj.Object {
	o, err := elfobj.Read(data, btf.NewStrings())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct{ names, want string }{
		{"lib dup", `link dup.o: "scale" is defined in lib.o (.text+0x0) and again here (.text+0x0)`},
		{"main main", `link main.o: "entry" is defined in main.o (xdp+0x0) and again here (xdp+0x0)`},
		{"lib badmap", `link badmap.o: "nodes" differs from its definition in lib.o: the map's max_entries is 17 here, 16 there`},
		{"badmap lib", `link lib.o: "nodes" differs from its declaration in badmap.o: the map's max_entries is 16 here, 17 there`},
		{"lib badvar", `link badvar.o: "base" differs from its definition in lib.o: unsigned long long of 8 bytes here, int of 4 there`},
		{"main badvar", `link badvar.o: "base" differs from its other declaration in main.o: unsigned long long of 8 bytes here, int of 4 there`},
		{"lib badfunc", `link badfunc.o: "scale" differs from its definition in lib.o: parameter 2: struct owner is declared, struct node defined`},
		{"lib license", `link license.o: section license is "Dual MIT/GPL" here and "GPL" in lib.o`},
		{"lib bigendian", `link bigendian.o: its byte order is BigEndian, that of the objects before is LittleEndian`},
		{"", "link: no objects"},
	} {
		_, err := Link(files(t, c.names))
		if err == nil || err.Error() != c.want {
			t.Errorf("link %s:\n got %v\nwant %s", c.names, err, c.want)
		}
	}
}

func TestNotAnObject(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Skip("a program is wanted: ", err)
	}
	for _, c := range []struct {
		data []byte
		want string
	}{
		{[]byte("#!/bin/sh\n" + strings.Repeat("# not an object\n", 9)), "bad magic number"},
		{self, "not for BPF"},
		{files(t, "lib")[0].Data[:200], "EOF"},
	} {
		_, err := Link([]File{{"x.o", c.data}})
		if err == nil || !strings.Contains(err.Error(), "link x.o: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want one of %q", err, c.want)
		}
	}
}

// TestSymbols looks at what became of symbols that several objects have.
func TestSymbols(t *testing.T) {
	for _, order := range []string{"main lib", "lib main"} {
		o := read(t, mustLink(t, order))
		got := map[string]*elfobj.Symbol{}
		for _, s := range o.Symbols {
			if s.Bind != 0 && got[s.Name] != nil {
				t.Errorf("%s: %q is there twice", order, s.Name)
			}
			if s.Bind != 0 {
				got[s.Name] = s
			}
		}
		for name, section := range map[string]string{"nodes": ".maps", "scale": ".text", "base": ".data", "bias": ".data", "round_up": ".text", "entry": "xdp", "third": "xdp", "_license": "license"} {
			s := got[name]
			if s == nil || s.Section == nil || s.Section.Name != section || s.Bind.String() != "STB_GLOBAL" {
				t.Errorf("%s: %q is %+v, want it global in %s", order, name, s, section)
			}
		}
		if s := got["scale"]; s != nil && s.Visibility.String() != "STV_HIDDEN" {
			t.Errorf("%s: scale is %s", order, s.Visibility)
		}
	}
}

// TestOpen: what no object defines stays open.
func TestOpen(t *testing.T) {
	for _, s := range read(t, mustLink(t, "main")).Symbols {
		open := s.Name == "scale" || s.Name == "base" || s.Name == "nodes" || s.Name == "LINUX_KERNEL_VERSION"
		if s.Undefined() != open {
			t.Errorf("%q is undefined: %v", s.Name, s.Undefined())
		}
	}
}

// TestTypesOnce looks for types that stand twice, and for what should stand.
func TestTypesOnce(t *testing.T) {
	o := read(t, mustLink(t, "main lib maps core twin"))
	count := map[string]int{}
	for id := btf.ID(1); id < o.Types.End(); id++ {
		r := o.Types.Record(id)
		count[r.Kind().String()+" "+o.Types.Name(id)]++
	}
	for _, want := range []string{"int int", "struct node", "struct owner", "variable bias", "function scale", "function round_up", "variable nodes", "section .data", "section .maps", "section .kconfig", "section license", "declaration tag offset", "enum64 wide"} {
		if count[want] != 1 {
			t.Errorf("%s is there %d times", want, count[want])
		}
	}
	// A declaration is resolved by the definition that another object has.
	for _, gone := range []string{"forward declaration owner", "section .extern"} {
		if count[gone] != 0 {
			t.Errorf("%s is still there", gone)
		}
	}
	// Functions of the same name that are static are two; of one type, they are one type.
	var twists []uint64
	for _, s := range o.Symbols {
		if s.Name == "twist" {
			twists = append(twists, s.Value)
		}
	}
	if count["function twist"] != 1 || len(twists) != 2 || twists[0] == twists[1] {
		t.Errorf("function twist is there %d times, at %v", count["function twist"], twists)
	}
}

// TestDeterministic: the same files give the same bytes, and what's linked already stays.
func TestDeterministic(t *testing.T) {
	for _, names := range []string{"main", "lib", "maps", "core", "main lib maps core", "bigendian"} {
		once := mustLink(t, names)
		if !bytes.Equal(once, mustLink(t, names)) {
			t.Errorf("%s: linked twice, differs", names)
		}
		again, err := Link([]File{{"linked.o", once}})
		if err != nil {
			t.Fatalf("%s: %v", names, err)
		}
		if !bytes.Equal(once, again) {
			t.Errorf("%s: linked again, differs", names)
		}
	}
}

// FuzzLink: no object, however broken, makes the linker panic, and what it makes can be read.
func FuzzLink(f *testing.F) {
	for _, n := range []string{"main", "lib", "maps", "core", "badmap", "bigendian"} {
		f.Add(files(f, n)[0].Data)
	}
	lib := files(f, "lib")[0]
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, fs := range [][]File{{{"a.o", data}}, {lib, {"a.o", data}}} {
			out, err := Link(fs)
			if err != nil {
				continue
			}
			if _, err := elfobj.Read(out, btf.NewStrings()); err != nil {
				t.Fatalf("the output can't be read: %v", err)
			}
		}
	})
}
