package cdecl

import (
	"fmt"
	"path/filepath"
	"strings"

	"modernc.org/cc/v4"

	"github.com/skep-bpf/skep/internal/lang/types"
)

// kernelTree is where the kernel's headers may be on a machine.
type kernelTree struct {
	name   string // for messages
	dirs   []string
	kernel bool // the kernel's own, not those for programs
}

// kernelTrees are looked through in this order.
func kernelTrees(opt *Options) []kernelTree {
	var out []kernelTree
	roots := opt.Headers
	if roots == nil && opt.Release != "" {
		roots = []string{"/lib/modules/" + opt.Release + "/build", "/lib/modules/" + opt.Release + "/source"}
	}
	if len(roots) > 0 {
		t := kernelTree{name: roots[0], kernel: true}
		for _, root := range roots {
			arch := root + "/arch/" + kernelArch(opt.Arch)
			include := root + "/include"
			t.dirs = append(t.dirs, arch+"/include", arch+"/include/generated", include,
				arch+"/include/uapi", arch+"/include/generated/uapi", include+"/uapi", include+"/generated/uapi")
		}
		t.dirs = append(t.dirs, ownDir)
		out = append(out, t)
	}
	return append(out, kernelTree{name: "/usr/include", dirs: append([]string{ownDir}, systemDirs(opt.Arch)...)})
}

// fromKernel finds the constant that a macro of the included kernel headers stands for, in
// the first tree that has one.
func (s *Scope) fromKernel(name string) (*types.Const, bool) {
	if s.tree == nil || len(s.tree.kernel) == 0 || s.opt.ReadFile == nil {
		return nil, false
	}
	c, seen := s.constants[name]
	if !seen {
		c = s.search(name)
		s.constants[name] = c
	}
	return c, c != nil
}

// search looks through the headers one by one: one that can't be preprocessed doesn't hide the
// others.
func (s *Scope) search(name string) *types.Const {
	for _, t := range kernelTrees(s.opt) {
		for _, header := range s.tree.kernel {
			if text, ok := s.expansion(t, header, name); ok {
				if c := s.evaluate(text); c != nil {
					return c
				}
			}
		}
	}
	return nil
}

// kernelConstant is a constant of the kernel's headers that C text uses.
func (s *Scope) kernelConstant(name string) (int64, bool) {
	if text, ok := s.known(name); ok {
		return int64(s.evaluate(text).Int), true
	}
	c, ok := s.fromKernel(name)
	if !ok || c.IsStr {
		return 0, false
	}
	return int64(c.Int), true
}

// asked stands before the expansion in preprocessed text.
const asked = ownTag + "value"

// expansion is what a macro expands to at the end of a header. It's only preprocessed: no
// front end but gcc's and clang's reads all of the kernel's declarations.
func (s *Scope) expansion(k kernelTree, header, name string) (string, bool) {
	t := newKernelTree(s.opt, k)
	if !t.has(header) {
		return "", false
	}
	var text strings.Builder
	if k.kernel {
		text.WriteString("#define __KERNEL__ 1\n")
		if t.has("linux/kconfig.h") {
			text.WriteString("#include <linux/kconfig.h>\n")
		}
	}
	fmt.Fprintf(&text, "#include <%s>\n#ifdef %s\n%s %s\n#endif\n", header, name, asked, name)
	var out strings.Builder
	// An error, as of an #error or a header that's missing, is one only if the macro isn't found.
	_ = s.run(t, func(cfg *cc.Config) error {
		return cc.Preprocess(cfg, []cc.Source{{Name: predefinedName, Value: predefined(s.opt)}, {Name: ownDir, Value: text.String()}}, &out)
	})
	_, value, ok := strings.Cut(out.String(), asked)
	value, _, _ = strings.Cut(strings.TrimSpace(value), "\n")
	return value, ok && value != "" && value != name
}

func newKernelTree(opt *Options, k kernelTree) *tree {
	return &tree{opt: opt, dirs: k.dirs, read: map[string]*header{}}
}

// has reports whether the tree has a header.
func (t *tree) has(name string) bool {
	for _, d := range t.dirs {
		if f, err := t.Open(filepath.Join(d, name)); err == nil {
			f.Close()
			return true
		}
	}
	return false
}

// evaluate computes an expansion; nil: it's no constant.
func (s *Scope) evaluate(text string) *types.Const {
	none := func(string) (int64, bool) { return 0, false }
	p := newPrelude(s.opt, findNeeds("int x = "+text+";", false), none)
	var c *types.Const
	t := &tree{opt: s.opt, read: map[string]*header{}}
	_ = s.run(t, func(cfg *cc.Config) error {
		cfg.EvalAllMacros = true
		ast, err := cc.Translate(cfg, []cc.Source{
			{Name: predefinedName, Value: predefined(s.opt)},
			{Name: preludeName, Value: p.text.String()},
			{Name: ownDir, Value: "#define " + asked + " " + text + "\n"},
		})
		if err != nil || ast.Macros[asked] == nil {
			return err
		}
		switch v := ast.Macros[asked].Value().(type) {
		case cc.StringValue:
			c = &types.Const{Str: strings.TrimRight(string(v), "\x00"), IsStr: true}
		default:
			if n, ok := integer(v); ok {
				c = &types.Const{Int: uint64(n)}
			}
		}
		return nil
	})
	return c
}

// Hint tells why a name that looks like a macro of an included kernel header isn't known, and
// what to do; "": there is nothing to tell.
func (s *Scope) Hint(name string) string {
	if s.tree == nil || len(s.tree.kernel) == 0 || strings.ToUpper(name) != name {
		return ""
	}
	var searched, without []string
	for _, k := range kernelTrees(s.opt) {
		t := newKernelTree(s.opt, k)
		some := false
		for _, h := range s.tree.kernel {
			some = some || t.has(h)
		}
		if some {
			searched = append(searched, k.name)
		} else {
			without = append(without, k.name)
		}
	}
	const define = "write `#define %s …` in the script"
	if len(searched) > 0 {
		return fmt.Sprintf("%s has no such constant in %s: "+define, strings.Join(searched, ", "), strings.Join(s.tree.kernel, ", "), name)
	}
	return fmt.Sprintf("BTF has the types of %s, not the macros, and there are no headers in %s: install them, or "+define,
		strings.Join(s.tree.kernel, ", "), strings.Join(without, " or "), name)
}
