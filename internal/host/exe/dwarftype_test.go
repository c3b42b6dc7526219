package exe

import (
	"debug/dwarf"
	"os"
	"path/filepath"
	"strings"
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

// TestFuncDefinition: of a function that's declared, too, the definition tells the names of
// parameters; of a method its declaration in the class comes first, and has the result.
func TestFuncDefinition(t *testing.T) {
	testkit.Need(t, testkit.Program("g++"))
	dir := t.TempDir()
	for name, source := range map[string]string{
		"a.cc": "struct Box { int n; int grow(int by, long *kept); };\nint twice(int);\n" +
			"int Box::grow(int by, long *kept) { return n += twice(by); }\nint main() { Box b{1}; return b.grow(2, 0); }\n",
		"b.cc": "int twice(int number) { return 2 * number; }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(source), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	command(t, dir, "g++", "-g", "-o", "p", "a.cc", "b.cc")
	files := NewFiles(os.DirFS(dir))
	defer files.Close()
	file, err := files.Open("/p")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"_ZN3Box4growEiPl": "int(struct Box* const this, int by, long int* kept)", "_Z5twicei": "int(int number)",
	} {
		p, ok, err := file.Func(name)
		if err != nil || !ok {
			t.Fatalf("%s: %t, %v", name, ok, err)
		}
		var params []string
		for _, param := range p.Params {
			params = append(params, CName(param.Type)+" "+param.Name)
		}
		testkit.Equal(t, name, want, CName(p.Result)+"("+strings.Join(params, ", ")+")")
	}
}
