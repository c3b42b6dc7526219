package ssa

import "testing"

func TestPassOrder(t *testing.T) {
	first, last := map[string]int{}, map[string]int{}
	for i, p := range passes {
		if _, dup := first[p.name]; dup {
			t.Errorf("pass %s stands twice", p.name)
		}
		first[p.name], last[p.name] = i, i
	}
	for _, c := range passOrder {
		a, ok1 := last[c.before]
		b, ok2 := first[c.after]
		if !ok1 || !ok2 {
			t.Errorf("order of %s and %s: no such pass", c.before, c.after)
		} else if a >= b {
			t.Errorf("%s comes after %s, but %s", c.before, c.after, c.why)
		}
	}
}

func TestOptimizeRunsOnEveryForm(t *testing.T) {
	p, err := Parse(everyForm)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	Optimize(p, Options{Check: true, Dump: func(pass string, _ *Prog) { names = append(names, pass) }})
	if len(names) != len(passes)+1 {
		t.Errorf("dumped after %v", names)
	}
}
