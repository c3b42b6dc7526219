package cdecl

import "strings"

// A struct with __attribute__((preserve_access_index)) is the text's own idea of one of the
// kernel's: it names the members that it needs, and where they are the running kernel says.
// The front end loses what leads back to a struct with an attribute behind its body, so this one
// is taken out of the text before.

const relocatableAttr = "preserve_access_index"

// relocatable finds the structs with that attribute, as "struct sock", and gives the text with the
// attribute blanked.
func relocatable(text string) (tags []string, rest string) {
	if !strings.Contains(text, relocatableAttr) {
		return nil, text
	}
	f := finder{}
	s := scanner{text: text}
	for t := s.next(); t.kind != eof; t = s.next() {
		f.toks = append(f.toks, t)
	}
	out := []byte(text)
	pushed := false // #pragma clang attribute push(…)
	for i := range f.toks {
		switch t := f.at(i); {
		case t.is("#") && f.at(i+1).is("pragma"):
			line := text[t.pos : t.pos+lineLen(text[t.pos:])]
			if strings.Contains(line, "push") && strings.Contains(line, relocatableAttr) {
				pushed = true
			} else if strings.Contains(line, "pop") {
				pushed = false
			}
		case t.is("struct") || t.is("union"):
			name := f.at(i + 1)
			if name.is("__attribute__") || name.kind == eof || !f.at(i+2).is("{") {
				continue
			}
			end := f.group(i + 2)
			attr := f.at(end).is("__attribute__") && f.group(end+1) <= len(f.toks)
			if attr {
				from, to := f.at(end).pos, f.at(f.group(end+1)-1).pos+1
				if attr = strings.Contains(text[from:to], relocatableAttr); attr {
					for k := from; k < to; k++ {
						if out[k] != '\n' {
							out[k] = ' '
						}
					}
				}
			}
			if attr || pushed {
				tags = append(tags, t.text+" "+name.text)
			}
		}
	}
	return tags, string(out)
}

// kernelTag is the kernel's name of a struct that the text may have several ideas of:
// sock___old is sock.
func kernelTag(tag string) string {
	name, _, _ := strings.Cut(tag, "___")
	return name
}
