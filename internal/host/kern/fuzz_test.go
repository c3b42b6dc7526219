package kern

import "testing"

func FuzzParseBTF(f *testing.F) {
	f.Add(sampleBytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := ParseBTF("fuzz", data, nil)
		if err != nil {
			return
		}
		for id := b.First(); id < b.Len(); id++ {
			typ := b.Type(id)
			if typ.ID != id {
				t.Fatalf("type %d has id %d", id, typ.ID)
			}
			_, _ = typ.Name(), typ.Unqualified()
		}
		b.Find("task", KindStruct)
		b.FindEnumerator("DEAD")
	})
}

func FuzzParseFormat(f *testing.F) {
	f.Add(execFormat)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseFormat(text)
		if err != nil {
			return
		}
		for _, field := range e.Fields {
			if field.Name == "" && !field.Array {
				t.Fatalf("field without a name: %+v", field)
			}
		}
	})
}
