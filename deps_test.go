package skep

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// policy says which packages of the project each part may import: a line a part, the
// part's folder below internal/ first. A folder stands for all below it; a longer
// line wins over a shorter one. docs/design.md explains the wings.
const policy = `
diag:             -
bpf:              diag bpf
probe:            diag bpf
lang/syntax:      diag
lang/ctree:       diag
lang/types:       diag probe bpf lang/syntax lang/ctree
lang/cdecl:       diag probe bpf lang/syntax lang/types lang/ctree
lang/expand:      diag probe bpf lang/syntax lang/types lang/ctree lang/cdecl
host/sys:         bpf
host/kern:        bpf host/sys
host/cgroup:      host/sys host/kern
host/srcline:
host/exe:         bpf host/sys host/srcline
host/discover:    diag bpf probe host/sys host/kern host/exe
host/target:      diag bpf probe lang/types host/sys host/kern host/exe host/cgroup
host/sym:         bpf probe host/sys host/kern host/exe host/srcline host/cgroup
host/doctor:      bpf probe host/sys host/kern host/exe
compiler/ssa:     bpf diag
compiler/cgen:    lang/ctree bpf diag compiler/ssa
compiler/ssagen:  lang bpf probe diag compiler/ssa compiler/cgen
compiler/bpfgen:  bpf diag compiler/ssa
compiler:         lang bpf probe diag compiler
engine:           diag bpf
engine/kernel:    diag bpf probe host engine
engine/event:     diag bpf probe host engine
output:           diag bpf engine output
run:              diag bpf engine host output
inspect:          bpf host inspect
elfload:          bpf host inspect
ui:               bpf host inspect ui
tools:            diag lang
testkit:          *
e2e:              *
cli:              *
`

// doors are the third-party modules that one place may import.
var doors = map[string][]string{
	"golang.org/x/sys":                   {"internal/host/sys", "internal/testkit/vm"},
	"modernc.org/cc/v4":                  {"internal/lang/cdecl"},
	"github.com/vishvananda/netlink":     {"internal/testkit/vm/init"},
	"github.com/cilium/ebpf":             {"internal/elfload"},
	"github.com/spf13/cobra":             {"internal/cli"},
	"github.com/spf13/pflag":             {"internal/cli", "internal/tools"},
	"github.com/ianlancetaylor/demangle": {"internal/host/exe", "internal/host/sym", "internal/host/discover"},
	"github.com/ulikunitz/xz":            {"internal/host/exe"},
	"github.com/gdamore/tcell/v3":        {"internal/ui/term"},
}

func TestImportsFollowTheDesign(t *testing.T) {
	rules := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(policy), "\n") {
		part, allowed, _ := strings.Cut(line, ":")
		rules[part] = strings.Fields(allowed)
	}
	err := filepath.WalkDir("internal", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		checkFile(t, filepath.ToSlash(path), rules)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkFile(t *testing.T, path string, rules map[string][]string) {
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, src, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	test := strings.HasSuffix(path, "_test.go")
	pkg := strings.TrimPrefix(path[:strings.LastIndexByte(path, '/')], "internal/")
	rule, ok := ruleFor(pkg, rules)
	if !ok {
		t.Errorf("%s: package %s has no line in the policy", path, pkg)
		return
	}
	for _, spec := range f.Imports {
		imp, _ := strconv.Unquote(spec.Path.Value)
		if in, ok := strings.CutPrefix(imp, "github.com/skep-bpf/skep/internal/"); ok && !test {
			if in != pkg && !allows(rule, in) {
				t.Errorf("%s imports %s, which the policy doesn't allow to %s", path, in, pkg)
			}
		}
		for module, at := range doors {
			if (imp == module || strings.HasPrefix(imp, module+"/")) && !test && !under(path, at) {
				t.Errorf("%s imports %s, whose door is %s", path, imp, strings.Join(at, ", "))
			}
		}
	}
}

// ruleFor is the longest rule whose folder holds pkg.
func ruleFor(pkg string, rules map[string][]string) ([]string, bool) {
	for p := pkg; ; {
		if r, ok := rules[p]; ok {
			return r, true
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return nil, false
		}
		p = p[:i]
	}
}

func allows(rule []string, pkg string) bool {
	return slices.ContainsFunc(rule, func(r string) bool {
		return r == "*" || r == pkg || strings.HasPrefix(pkg, r+"/")
	})
}

func under(path string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(path, d+"/") })
}
