package exe

import (
	"debug/dwarf"
	"os"
	"path/filepath"
	"testing"

	"github.com/skep-bpf/skep/internal/testkit"
)

func TestType(t *testing.T) {
	testkit.Need(t, testkit.Program("gcc"))
	dir := t.TempDir()
	source := "struct later; typedef struct { int x; } point;\nstruct pair { char a; long b; }; union either { int i; char c[4]; }; enum color { RED };\n" +
		"struct pair p; union either u; enum color c; point q; struct later *l;\nint main() { return p.a + u.i + c + q.x + (l != 0); }\n"
	if err := os.WriteFile(filepath.Join(dir, "p.c"), []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	command(t, dir, "gcc", "-g", "-o", "p", "p.c")
	files := NewFiles(os.DirFS(dir))
	defer files.Close()
	file, err := files.Open("/p")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		size int64 // 0: not there
	}{
		{"struct pair", 16}, {"union either", 4}, {"enum color", 4}, {"point", 4},
		{"pair", 0}, {"union pair", 0}, {"struct later", 0}, {"struct none", 0},
	} {
		typ, ok, err := file.Type(tt.name)
		if err != nil {
			t.Fatal(err)
		}
		if ok != (tt.size != 0) || ok && typ.Size() != tt.size {
			t.Errorf("%s: %v %v", tt.name, typ, ok)
		}
		if s, isStruct := typ.(*dwarf.StructType); tt.name == "struct pair" && (!isStruct || len(s.Field) != 2) {
			t.Errorf("struct pair: %v", typ)
		}
	}
}
