package probe

import (
	"slices"
	"strings"
	"testing"
)

func TestParseUSDTArgs(t *testing.T) {
	amd64 := map[string]USDTArg{
		"-8@%rax":               {Size: 8, Signed: true, Base: "ax"},
		"4@%edi":                {Size: 4, Base: "di"},
		"-2@%r13w":              {Size: 2, Signed: true, Base: "r13"},
		"4@%r8d":                {Size: 4, Base: "r8"},
		"1@%al":                 {Size: 1, Base: "ax"},
		"1@%bh":                 {Size: 1, Base: "bx", Shift: 8},
		"-1@%sil":               {Size: 1, Signed: true, Base: "si"},
		"2@%sp":                 {Size: 2, Base: "sp"},
		"8@$-16":                {Size: 8, Disp: -16},
		"8@$0xffffffffffffffff": {Size: 8, Disp: -1},
		"-4@-1204(%rbp)":        {Size: 4, Signed: true, Mem: true, Base: "bp", Disp: -1204},
		"8@(%rsp)":              {Size: 8, Mem: true, Base: "sp"},
		"8@(%rax,%rbx)":         {Size: 8, Mem: true, Base: "ax", Index: "bx", Scale: 1, IndexSize: 8},
		"1@16(%rdx,%rax,8)":     {Size: 1, Mem: true, Base: "dx", Index: "ax", Scale: 8, IndexSize: 8, Disp: 16},
		"4@4210688(,%rax,4)":    {Size: 4, Mem: true, Index: "ax", Scale: 4, IndexSize: 8, Disp: 4210688},
		"4@4210688":             {Size: 4, Mem: true, Disp: 4210688},
		"-4@11904(%rip)":        {Size: 4, Signed: true, Mem: true, Base: "ip", Disp: 11904},
		"8f@-8(%rbp)":           {Size: 8, Mem: true, Base: "bp", Disp: -8},
	}
	arm64 := map[string]USDTArg{
		"-4@w3":               {Size: 4, Signed: true, Base: "r3"},
		"8@x30":               {Size: 8, Base: "r30"},
		"8@sp":                {Size: 8, Base: "sp"},
		"8@xzr":               {Size: 8},
		"-2@-7":               {Size: 2, Signed: true, Disp: -7},
		"8@[x0]":              {Size: 8, Mem: true, Base: "r0"},
		"-4@[sp, 12]":         {Size: 4, Signed: true, Mem: true, Base: "sp", Disp: 12},
		"4@[x1, #-8]":         {Size: 4, Mem: true, Base: "r1", Disp: -8},
		"8@[x0, x1]":          {Size: 8, Mem: true, Base: "r0", Index: "r1", Scale: 1, IndexSize: 8},
		"8@[x0, x1, lsl 3]":   {Size: 8, Mem: true, Base: "r0", Index: "r1", Scale: 8, IndexSize: 8},
		"4@[x0, w1, sxtw #2]": {Size: 4, Mem: true, Base: "r0", Index: "r1", Scale: 4, IndexSize: 4, IndexSigned: true},
		"4@[x0, w1, uxtw]":    {Size: 4, Mem: true, Base: "r0", Index: "r1", Scale: 1, IndexSize: 4},
	}
	for arch, cases := range map[string]map[string]USDTArg{"amd64": amd64, "arm64": arm64} {
		var text []string
		var want []USDTArg
		for s, a := range cases {
			text, want = append(text, s), append(want, a)
		}
		got, errs := ParseUSDTArgs(arch, strings.Join(text, " "))
		for i, err := range errs {
			if err != nil || got[i] != want[i] {
				t.Errorf("%s %s: %+v %v, want %+v", arch, text[i], got[i], err, want[i])
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d arguments of %d", arch, len(got), len(want))
		}
	}
}

func TestParseUSDTArgsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"8@%xmm0": "register %xmm0", "%rax": "no size", "3@%rax": "3 bytes", "8@(%rax": "no form", "8@(%rax,%rbx,3)": "no factor",
		"8@symbol(%rip)": "no number", "8@%fs:8": "no number", "8@": "no number",
	} {
		_, errs := ParseUSDTArgs("amd64", "4@$1 "+text)
		if len(errs) != 2 || errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), want) {
			t.Errorf("%s: %v, want %q", text, errs, want)
		}
	}
	for text, want := range map[string]string{"8@v0": "register v0", "8@[x0": "no form", "8@[x0, x1, lsl 5]": "no factor", "8@x31": "register x31"} {
		_, errs := ParseUSDTArgs("arm64", text)
		if !slices.ContainsFunc(errs, func(err error) bool { return err != nil && strings.Contains(err.Error(), want) }) {
			t.Errorf("%s: %v, want %q", text, errs, want)
		}
	}
}

func FuzzParseUSDTArgs(f *testing.F) {
	for _, s := range []string{"-4@%edi 8@16(%rsp,%rax,8) 2@$-7", "-4@w0 8@[sp, 16] 2@-7", "8@[x0, w1, sxtw 2]", "8@(((", "@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, arch := range []string{"amd64", "arm64"} {
			args, errs := ParseUSDTArgs(arch, text)
			if len(args) != len(errs) {
				t.Fatalf("%d arguments, %d errors", len(args), len(errs))
			}
			for i, a := range args {
				if errs[i] == nil && (a.Size == 0 || a.Index != "" && a.Scale == 0) {
					t.Fatalf("%q: %+v", text, a)
				}
			}
		}
	})
}
