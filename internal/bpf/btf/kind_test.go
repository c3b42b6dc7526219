package btf

import "testing"

func TestBareKinds(t *testing.T) {
	for k := range NumKinds {
		if bare := forms[k].fixed == 0 && forms[k].each == 0; k.Bare() != bare {
			t.Errorf("%s is bare: %t, want %t", k, k.Bare(), bare)
		}
	}
}
