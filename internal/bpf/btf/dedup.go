package btf

import (
	"fmt"
	"hash/maphash"
	"math/bits"
	"slices"
)

// Dedup makes one of types that are the same, so that each stands once, and returns the new
// number of each old one. canon, by old number, says what the caller knows before: a type
// that's to be replaced by another, or dropped; types that canon doesn't name map to
// themselves there. nil: it knows nothing.
//
// Types are the same when nothing in their records differs and the types that they refer to
// are the same; of types that refer to themselves in a circle, when no walk along both finds
// a difference. A forward declaration is the same as the struct of its name, in a place where
// all else agrees; elsewhere when only one struct has that name. That's what libbpf's
// btf__dedup means by it, of which this is another writing: first ints, enums, floats and
// forward declarations, which refer to nothing; then structs, unions and typedefs, at which
// all circles pass, by walks; then what's left, in the order of references.
// Variables and sections stay as they are.
func (t *Types) Dedup(canon []ID) ([]ID, error) {
	n := t.End()
	d := &dedup{t: t, seed: maphash.MakeSeed(), by: make([]ID, n), first: make([]ID, 1<<bits.Len(uint(n))), next: make([]ID, n), guess: make([]ID, n)}
	for id := range d.by {
		d.by[id] = undecided
	}
	d.by[0] = 0
	for id, c := range canon {
		if c != ID(id) {
			d.by[id] = c
		}
	}
	for id := ID(1); id < t.End(); id++ {
		if k := t.Record(id).Kind(); (k == KindVar || k == KindDatasec) && d.by[id] == undecided {
			d.by[id] = id
		}
	}
	for id := ID(1); id < t.End(); id++ {
		d.leaf(id)
	}
	for id := ID(1); id < t.End(); id++ {
		d.graph(id)
	}
	d.forwards()
	for id := ID(1); id < t.End(); id++ {
		if _, err := d.chain(id); err != nil {
			return nil, fmt.Errorf("deduplicate BTF: %w", err)
		}
	}
	to, err := d.compact()
	if err != nil {
		return nil, fmt.Errorf("deduplicate BTF: %w", err)
	}
	return to, nil
}

const (
	// Dropped in Dedup's canon: the type, and tags of it, go away.
	Dropped ID = 1<<32 - 1 - iota
	undecided
	deciding
)

// dedup is one run of Dedup.
type dedup struct {
	t    *Types
	seed maphash.Seed
	by   []ID // what represents each type: itself, another, or undecided
	// first has, by hash, the first of the representatives that next chains in the order in
	// which they were decided about.
	first, next []ID
	// guess is, during a walk, the type that stands for a representative's; guessed are those
	// that have one, and steps what a walk may still cost.
	guess   []ID
	guessed []ID
	steps   int
	scratch []byte
}

// hash is of words that are the same in types that are the same.
func (d *dedup) hash(words ...uint32) uint64 {
	b := d.scratch[:0]
	for _, w := range words {
		b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	}
	d.scratch = b
	return maphash.Bytes(d.seed, b)
}

// final is what represents a type as far as that's known; the type itself otherwise.
func (d *dedup) final(id ID) ID {
	for d.by[id] < deciding && d.by[id] != id {
		id = d.by[id]
	}
	return id
}

func (d *dedup) decided(id ID) bool { return d.by[id] < deciding || d.by[id] == Dropped }

// settle makes same represent id, or id itself when same is 0.
func (d *dedup) settle(id, same ID, hash uint64) {
	if same != 0 {
		d.by[id] = same
		return
	}
	d.by[id] = id
	at := d.bucket(hash)
	for *at != 0 {
		at = &d.next[*at]
	}
	*at = id
}

// bucket is where the chain of a hash's representatives begins.
func (d *dedup) bucket(hash uint64) *ID { return &d.first[hash&uint64(len(d.first)-1)] }

// leaf decides about a type that refers to none.
func (d *dedup) leaf(id ID) {
	if d.decided(id) {
		return
	}
	r := d.t.Record(id)
	switch k := r.Kind(); {
	case k == KindInt, k == KindFloat, k == KindFwd:
		h := d.hash(r...)
		for c := *d.bucket(h); c != 0; c = d.next[c] {
			if slices.Equal(r, d.t.Record(c)) {
				d.settle(id, c, h)
				return
			}
		}
		d.settle(id, 0, h)
	case k.Enum():
		d.enum(id, r)
	}
}

// enum decides about an enum. One without enumerators is a forward declaration.
func (d *dedup) enum(id ID, r Record) {
	h := d.hash(uint32(KindEnum), r[0])
	for c := *d.bucket(h); c != 0; c = d.next[c] {
		o := d.t.Record(c)
		if !o.Kind().Enum() || o[0] != r[0] {
			continue
		}
		if slices.Equal(r, o) || r.Len() == 0 {
			d.settle(id, d.final(c), h)
			return
		}
		if o.Len() == 0 && d.by[c] == c {
			d.by[c] = id
		}
	}
	d.settle(id, 0, h)
}

// graph decides about a struct, union or typedef by a walk along it and each representative
// that looks the same.
func (d *dedup) graph(id ID) {
	r := d.t.Record(id)
	k := r.Kind()
	if d.decided(id) || !k.Composite() && k != KindTypedef {
		return
	}
	h := d.lookHash(r)
	for c := *d.bucket(h); c != 0; c = d.next[c] {
		if !looksEqual(r, d.t.Record(c)) {
			continue
		}
		d.forget()
		if d.same(id, c) {
			d.learn()
			d.settle(id, c, h)
			return
		}
	}
	d.settle(id, 0, h)
}

// lookHash is of what a record says without the types that it refers to.
func (d *dedup) lookHash(r Record) uint64 {
	if r.Kind() == KindTypedef {
		return d.hash(r[0], r[1])
	}
	words := append(make([]uint32, 0, 64), r[:headWords]...)
	for i := range r.Len() {
		p := r.part(i)
		words = append(words, p[0], p[2])
	}
	return d.hash(words...)
}

func (d *dedup) forget() {
	for _, id := range d.guessed {
		d.guess[id] = 0
	}
	d.guessed = d.guessed[:0]
	d.steps = maxSteps
}

// maxSteps bounds the cost of one walk's comparisons without memory, which damaged data
// could make endless.
const maxSteps = 1 << 16

// same walks along a type and a representative's, and reports whether they are the same. What
// it took for the same on its way is in guess.
func (d *dedup) same(id, c ID) bool {
	if d.final(id) == d.final(c) {
		return true
	}
	if f := d.final(c); d.t.Record(c).Kind() == KindFwd && d.t.Record(f).Kind() != KindFwd {
		c = f
	}
	if c == 0 || id == 0 {
		return false
	}
	if g := d.guess[c]; g != 0 {
		// A compiler may have written the same type twice within one compilation.
		return g == id || d.identical(g, id, 16)
	}
	d.guess[c] = id
	d.guessed = append(d.guessed, c)
	a, b := d.t.Record(id), d.t.Record(c)
	ka, kb := a.Kind(), b.Kind()
	switch {
	case a[0] != b[0]:
		return false
	case (ka == KindFwd) != (kb == KindFwd):
		return forwardOf(a, b) || forwardOf(b, a)
	case ka.Enum() && kb.Enum():
		return slices.Equal(a, b) || a.Len() == 0 || b.Len() == 0
	case !looksEqual(a, b):
		return false
	}
	return d.refsSame(a, b, d.same)
}

// forwardOf reports whether f declares what the struct or union r of the same name defines.
func forwardOf(f, r Record) bool {
	return f.Kind() == KindFwd && (r.Kind() == KindUnion && f.Flag() || r.Kind() == KindStruct && !f.Flag())
}

// refsSame compares the types that records which look the same refer to.
func (d *dedup) refsSame(a, b Record, same func(a, b ID) bool) bool {
	f := &forms[a.Kind()]
	if f.ref && !same(ID(a[2]), ID(b[2])) {
		return false
	}
	if a.Kind() == KindArray && !(same(ID(a[4]), ID(b[4])) && same(ID(a[3]), ID(b[3]))) {
		return false
	}
	if f.eachRef == 0 {
		return true
	}
	for i := headWords + int(f.fixed) + int(f.eachRef) - 1; i < len(a); i += int(f.each) {
		if !same(ID(a[i]), ID(b[i])) {
			return false
		}
	}
	return true
}

// identical compares types of one compilation down to a depth.
func (d *dedup) identical(x, y ID, depth int) bool {
	if x == y {
		return true
	}
	if d.steps--; d.steps < 0 || depth == 0 {
		return false
	}
	a, b := d.t.Record(x), d.t.Record(y)
	if a.Kind().Enum() && b.Kind().Enum() && a[0] == b[0] && (a.Len() == 0 || b.Len() == 0) {
		return true
	}
	return looksEqual(a, b) && d.refsSame(a, b, func(x, y ID) bool { return d.identical(x, y, depth-1) })
}

// learn keeps what a walk that found no difference took for the same.
func (d *dedup) learn() {
	for _, c := range d.guessed {
		id, c := d.final(d.guess[c]), d.final(c)
		a, b := d.t.Record(id).Kind(), d.t.Record(c).Kind()
		switch {
		case a != KindFwd && b == KindFwd:
			d.by[c] = id
		case a == KindFwd && b != KindFwd:
			d.by[id] = c
		case a.Composite() && b != KindFwd && d.decided(c) && !d.decided(id):
			d.by[id] = c
		}
	}
}

// forwards decides about the forward declarations that no walk met: each stands for the
// struct of its name when there's only one.
func (d *dedup) forwards() {
	const several = Dropped
	named := map[uint32]ID{}
	for id := ID(1); id < d.t.End(); id++ {
		r := d.t.Record(id)
		if !r.Kind().Composite() || d.by[id] != id {
			continue
		}
		if _, ok := named[r[0]]; ok {
			named[r[0]] = several
		} else {
			named[r[0]] = id
		}
	}
	for id := ID(1); id < d.t.End(); id++ {
		r := d.t.Record(id)
		if r.Kind() != KindFwd || d.by[id] != id {
			continue
		}
		if s, ok := named[r[0]]; ok && s != several && forwardOf(r, d.t.Record(s)) {
			d.by[id] = s
		}
	}
}

// chain decides about a type that refers to others, after those, and returns what represents it.
func (d *dedup) chain(id ID) (ID, error) {
	switch {
	case d.by[id] == Dropped:
		return Dropped, nil
	case d.by[id] == deciding:
		return 0, fmt.Errorf("type %d refers to itself: %w", id, ErrMalformed)
	case d.decided(id):
		return d.final(id), nil
	}
	d.by[id] = deciding
	r := d.t.Record(id)
	var err error
	dropped := false
	r.refs(func(w *uint32) {
		ref, e := d.chain(ID(*w))
		if e != nil && err == nil {
			err = e
		}
		dropped = dropped || ref == Dropped
		*w = uint32(ref)
	})
	if err != nil {
		return 0, err
	}
	if dropped {
		d.by[id] = Dropped
		return Dropped, nil
	}
	h := d.hash(r...)
	for c := *d.bucket(h); c != 0; c = d.next[c] {
		if slices.Equal(r, d.t.Record(c)) {
			d.settle(id, c, h)
			return c, nil
		}
	}
	d.settle(id, 0, h)
	return id, nil
}

// compact leaves only the representatives, and returns the new number of each old type.
func (d *dedup) compact() ([]ID, error) {
	old := *d.t
	*d.t = Types{Strings: old.Strings, words: make([]uint32, 0, len(old.words)), at: make([]uint32, 1, len(old.at))}
	to := make([]ID, old.End())
	for id := ID(1); id < old.End(); id++ {
		if d.by[id] == id {
			to[id] = d.t.Add(old.Record(id))
		}
	}
	for id := ID(1); id < old.End(); id++ {
		f := d.final(id)
		if to[id] = to[f]; d.by[f] == Dropped {
			to[id] = Dropped
		}
	}
	var err error
	for id := ID(1); id < d.t.End(); id++ {
		d.t.Record(id).refs(func(w *uint32) {
			if *w = uint32(to[*w]); ID(*w) == Dropped {
				err = fmt.Errorf("%s %q is of a type that went away: %w", d.t.Record(id).Kind(), d.t.Name(id), ErrMalformed)
			}
		})
	}
	return to, err
}
