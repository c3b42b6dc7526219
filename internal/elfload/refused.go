package elfload

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/skep-bpf/skep/internal/bpf/verdict"
	"github.com/skep-bpf/skep/internal/host/doctor"
	"github.com/skep-bpf/skep/internal/host/kern"
	"github.com/skep-bpf/skep/internal/host/sys"
)

// ErrNoPrograms: an object has no program to load.
var ErrNoPrograms = errors.New("the object has no programs: they stand in sections that tell their type, SEC(\"xdp\")")

// Refusal is the error of a program that the kernel's verifier refuses.
type Refusal struct {
	Program string
	Reason  string // the verifier's complaint
	Line    string // the source line that it's about: "x = *p; @ a.c:12"; "" when there's none
	Hint    string // what the complaint means, or ""
	Err     error
}

func (r *Refusal) Error() string {
	s := fmt.Sprintf("load program %s: %s", r.Program, r.Reason)
	if r.Line != "" {
		s += "\n  at: " + r.Line
	}
	if r.Hint != "" {
		s += "\n  hint: " + r.Hint
	}
	return s
}

func (r *Refusal) Unwrap() error { return r.Err }

// plain is an error of the library's without its words about Go structs.
func plain(err error) error {
	for range 2 {
		if s := err.Error(); !strings.HasPrefix(s, "assign values: ") && !strings.HasPrefix(s, "field ") {
			break
		}
		err = errors.Unwrap(err)
	}
	return err
}

// refused says why a program wasn't loaded.
func (l *loader) refused(name string, err error) error {
	err = plain(err)
	if strings.HasPrefix(err.Error(), "program "+name+": ") {
		err = errors.Unwrap(err)
	}
	spec := l.file.spec.Programs[name]
	var v *ebpf.VerifierError
	log := ""
	if errors.As(err, &v) {
		log = strings.Join(v.Log, "\n")
		err = v.Cause
		l.tell(name, log)
	}
	switch {
	case spec.AttachType == ebpf.AttachLSMCgroup:
		err = errors.New("programs of lsm_cgroup aren't supported yet; lsm ones are")
	case log != "" && !errors.Is(err, sys.EPERM): // the verifier refuses by other numbers
		return l.verdict(name, log, err)
	case errors.Is(err, sys.EPERM):
		err = fmt.Errorf("%s (%w)", doctor.Denied(), sys.Errno(sys.EPERM))
	case spec.AttachTo != "" && (errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, btf.ErrNotFound)):
		err = fmt.Errorf("this kernel's types have no %s that %s could attach to", spec.AttachTo, spec.SectionName)
	case spec.AttachTo == "" && errors.Is(err, sys.EINVAL) && sectionTakesTarget(spec.SectionName):
		err = fmt.Errorf("its section %q names no target (%w)", spec.SectionName, err)
	case errors.Is(err, sys.EINVAL):
		err = fmt.Errorf("this kernel doesn't know this type of program, its flags, or its target (%w)", sys.Errno(sys.EINVAL))
	}
	return fmt.Errorf("load program %s: %w", name, err)
}

func sectionTakesTarget(name string) bool {
	s, _, ok := sectionOf(strings.TrimPrefix(name, "?"))
	return ok && s.byBTF()
}

func (l *loader) tell(name, log string) {
	if l.opts.Log != nil {
		fmt.Fprintf(l.opts.Log, "program %s:\n%s\n", name, log)
	}
}

// verdict is the error of a log. A relocation that found nothing in the kernel is told as
// such: the library leaves an instruction in its place that no verifier takes.
func (l *loader) verdict(name, log string, err error) error {
	slot, words := verdict.Of(log)
	r := &Refusal{Program: name, Reason: words, Line: verdict.Line(log), Hint: verdict.Means(words), Err: err}
	if words == "" {
		r.Reason = err.Error()
	}
	if !strings.Contains(log, strconv.Itoa(btf.COREBadRelocationSentinel)) && !strings.Contains(log, fmt.Sprintf("%#x", btf.COREBadRelocationSentinel)) {
		return r
	}
	insns := l.file.spec.Programs[name].Instructions
	var line *btf.Line
	for iter := insns.Iterate(); iter.Next() && int(iter.Offset) <= slot; {
		if at, ok := iter.Ins.Source().(*btf.Line); ok {
			line = at
		}
		if relo := btf.CORERelocationMetadata(iter.Ins); relo != nil && int(iter.Offset) == slot {
			r.Reason, r.Hint, r.Line = l.missing(relo), "bpf_core_field_exists() and its like ask before, for kernels that differ", ""
			if line != nil {
				r.Line = fmt.Sprintf("%s @ %s:%d", strings.TrimSpace(line.Line()), filepath.Base(line.FileName()), line.LineNumber())
			}
		}
	}
	return r
}

// relocation is how the library prints a CO-RE relocation.
var relocation = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^CORERelocation\((\w+), .*\[([\d:]+)\], local_id=(\d+)\)$`)
})

// missing says what of the kernel's types a relocation didn't find.
func (l *loader) missing(relo *btf.CORERelocation) string {
	m := relocation().FindStringSubmatch(relo.String())
	if m == nil || l.file.types == nil {
		return "this kernel's types don't have what the CO-RE relocation " + relo.String() + " asks for"
	}
	id, _ := strconv.ParseUint(m[3], 10, 32)
	t := l.file.types.Type(kern.TypeID(id)).Unqualified()
	path := strings.Split(m[2], ":")
	essential, _, _ := strings.Cut(t.Name(), "___") // without its flavour
	what := strings.TrimSpace(kern.Tag(t) + " " + essential)
	if t.Kind() == kern.KindEnum || t.Kind() == kern.KindEnum64 {
		what = enumerator(t, path[0]) + " of " + what
	} else if fields := memberPath(t, path[1:]); fields != "" {
		what = fields + " of " + what
	}
	return fmt.Sprintf("this kernel's types don't have %s (CO-RE relocation %s)", what, m[1])
}

// enumerator is the name of an enum's value by its number in the enum.
func enumerator(t kern.Type, index string) string {
	n, found := 0, index
	t.Enumerators(func(name string, _ uint64) bool {
		if strconv.Itoa(n) == index {
			found = name
		}
		n++
		return found == index
	})
	return found
}

// memberPath names the members that a relocation's numbers lead through.
func memberPath(t kern.Type, indices []string) string {
	s := ""
	for _, index := range indices {
		if t.Kind() == kern.KindArray {
			s += "[" + index + "]"
			t, _ = t.Array()
			t = t.Unqualified()
			continue
		}
		n := 0
		var at kern.Member
		t.Members(func(m kern.Member) bool {
			at = m
			n++
			return strconv.Itoa(n-1) != index
		})
		if at.Name != "" && s != "" {
			s += "."
		}
		s += at.Name
		t = at.Type.Unqualified()
	}
	return s
}
