package ssa

// constPool makes the constants that a pass needs, each once, in the entry block.
type constPool struct {
	f    *Func
	made map[constKey]*Value
	list []*Value
}

type constKey struct {
	t Type
	n int64
}

func newConstPool(f *Func) *constPool { return &constPool{f: f, made: map[constKey]*Value{}} }

// get is the constant n of type t.
func (p *constPool) get(t Type, n int64) *Value {
	k := constKey{t, canon(t, n)}
	v := p.made[k]
	if v == nil {
		v = p.f.NewValue(p.f.Entry(), 0, OpConst, t)
		v.AuxInt = k.n
		p.made[k] = v
		p.list = append(p.list, v)
	}
	return v
}

// flush places the constants made since, after the parameters.
func (p *constPool) flush() {
	entry := p.f.Entry()
	entry.insertBefore(entry.firstAfterPhis(), p.list...)
	p.list = nil
}
