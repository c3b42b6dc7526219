package probe

import "testing"

func FuzzParse(f *testing.F) {
	for _, s := range []string{"k:f+1", "u:/bin/x@a.c:1:2", "w:1:8:rw", "*:a", "i:1s", "fentry:bpf:1:x", `u:/x:cpp:"a::b"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		points, diags := parse(new(Parser), text)
		if len(points) == 0 && len(diags) == 0 && text != "" {
			t.Fatalf("%q is neither a point nor a mistake", text)
		}
		for _, p := range points {
			if p.Kind == Invalid || p.Text == "" {
				t.Fatalf("%q: %+v", text, p)
			}
		}
	})
}
