package syntax

import "testing"

func TestFormatScripts(t *testing.T) {
	for name, text := range scripts(t) {
		t.Run(name, func(t *testing.T) {
			_, rep := parse(text)
			for _, d := range rep.All() {
				t.Errorf("%s: %s", d.Code, d.Msg)
			}
			checkFormat(t, text)
		})
	}
}
