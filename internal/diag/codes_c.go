package diag

// Codes of BPF programs written in C, which scripts import.
const (
	CodeCFloat    Code = "E0270"
	CodeCRecurses Code = "E0271"
	CodeCNoBody   Code = "E0272"
	CodeCBounds   Code = "E0273"
	CodeCCalls    Code = "E0274"
	CodeCSection  Code = "W0270"
	CodeCNoReturn Code = "W0271"
)

var cCodes = []CodeDoc{
	{CodeCFloat, "floating-point number in C",
		"BPF reckons with integers alone. Scale the numbers: thousandths as an integer.", ""},
	{CodeCRecurses, "C function calls itself",
		"BPF programs have 512 bytes of stack and no recursion, not through other functions either. A loop does it.", ""},
	{CodeCNoBody, "C function without a body",
		"A function that's called has to be defined in the file or in another imported one, be a helper of " +
			"<bpf/bpf_helpers.h>, or a function of the running kernel, declared __ksym. One that the kernel may lack is " +
			"declared __ksym __weak, and compared with NULL before it's called.", ""},
	{CodeCBounds, "C code outside of a variable",
		"The place lies outside of the variable whatever the program does, so the kernel would refuse it.", ""},
	{CodeCCalls, "C function that can't be called like that",
		"A script passes numbers, pointers and maps to C functions, at most five to those that aren't put in the place of " +
			"the call, and gets a number or a pointer.", ""},
	{CodeCSection, "section that means nothing here",
		"SEC(\"kprobe/…\") attaches nothing: in a file that a script imports every function is one to be called. " +
			"`skep prog load` loads and attaches objects that a compiler made of such files.", ""},
	{CodeCNoReturn, "C function may end without a value",
		"Control can get to the end of a function that returns a value. In C that value is anything; here it's 0.", ""},
}
