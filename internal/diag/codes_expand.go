package diag

// Codes of imports, macros, parameters, C definitions and the option header.
const (
	CodeImportMissing   Code = "E0201"
	CodeImportRefused   Code = "E0202"
	CodeImportKind      Code = "E0203"
	CodeImportConfig    Code = "E0204"
	CodeMacroTwice      Code = "E0210"
	CodeMacroParam      Code = "E0211"
	CodeMacroArgs       Code = "E0212"
	CodeMacroRecursion  Code = "E0213"
	CodeMacroMap        Code = "E0214"
	CodeMacroShadow     Code = "E0215"
	CodeMacroType       Code = "E0216"
	CodeTypeArg         Code = "E0217"
	CodeExpansion       Code = "E0218"
	CodeGetopt          Code = "E0220"
	CodeGetoptDefault   Code = "E0221"
	CodeGetoptHelp      Code = "E0222"
	CodeOptionUnknown   Code = "E0223"
	CodeOptionValue     Code = "E0224"
	CodePointParam      Code = "E0225"
	CodeInList          Code = "E0226"
	CodeCDirective      Code = "E0230"
	CodeCError          Code = "E0231"
	CodeCHeader         Code = "E0232"
	CodeCSyntax         Code = "E0233"
	CodeCType           Code = "E0234"
	CodeCUnsupported    Code = "E0235"
	CodeCRecursion      Code = "E0236"
	CodeCNoExpr         Code = "E0237"
	CodeCTwice          Code = "E0238"
	CodeHeaderLine      Code = "E0240"
	CodeHeaderTwice     Code = "E0241"
	CodeHeaderNoGetopt  Code = "E0242"
	CodeHeaderNoOption  Code = "E0243"
	CodeHeaderMismatch  Code = "E0244"
	CodeHeaderPosition  Code = "E0245"
	CodeParamMissing    Code = "W0201"
	CodeImportSkipped   Code = "W0202"
	CodeMacroRedefinedC Code = "W0203"
)

var expandCodes = []CodeDoc{
	{CodeImportMissing, "import not found",
		"The path is looked for beside the script that imports it.",
		"import \"no_such_file.bt\";\nbegin { }"},
	{CodeImportRefused, "import refused",
		"What everyone may write isn't imported, since a script runs with the rights of the one who starts it. " +
			"Take the permission away (chmod o-w) from the file and from its directory.",
		""},
	{CodeImportKind, "import of an unknown or unsupported kind of file",
		"A script (.bt), functions in C (.bpf.c), a C header (.h), or a directory of them can be imported at the top of a " +
			"script; in a block only C. An object file (.bpf.o) can't: `skep prog load` loads and attaches those.",
		"import \"prog.txt\";\nbegin { }"},
	{CodeImportConfig, "config in an imported script",
		"Only the script that is run has a config block.",
		""},
	{CodeMacroTwice, "macro defined twice",
		"Macros of one name differ in the number or in the kinds ($variable, @map, expression) of their parameters.",
		"macro one() { 1 } macro one() { 2 }\nbegin { print(one()); }"},
	{CodeMacroParam, "parameter named twice",
		"Each parameter of a macro has a name of its own.",
		"macro sum(a, a) { a }\nbegin { print(sum(1, 2)); }"},
	{CodeMacroArgs, "arguments match no definition of the macro",
		"A $parameter takes a variable, a @parameter takes a map, and a plain one takes any expression; " +
			"to pass a value to a plain parameter is always possible.",
		"macro inc($x) { $x += 1; }\nbegin { inc(1); }"},
	{CodeMacroRecursion, "macro uses itself",
		"A macro is put in at its call, so it can't contain itself. Use a loop.",
		"macro again(x) { again(x) }\nbegin { print(again(1)); }"},
	{CodeMacroMap, "macro uses a map that isn't its parameter",
		"A macro reaches only the maps that it's given: add the map to its parameters.",
		"macro hit() { @hits++; }\nbegin { hit(); }"},
	{CodeMacroShadow, "variable of a macro hides its parameter",
		"Give the variable another name.",
		"macro set($x) { let $x = 1; }\nbegin { $y = 2; set($y); }"},
	{CodeMacroType, "argument can't stand in a type",
		"The macro uses this parameter in a type. Pass a type, written typeof(type); after struct, union or enum only a name fits.",
		"macro size(t) { sizeof(struct t) }\nbegin { print(size(typeof(uint64*))); }"},
	{CodeTypeArg, "type as an argument",
		"Only macros that use the parameter as a type take typeof(…) as an argument.",
		"macro add(x) { x + 1 }\nbegin { print(add(typeof(uint64))); }"},
	{CodeExpansion, "script too large once its macros are expanded",
		"Each use of a macro, and each use of a parameter in it, is a copy. Bind what is used often to a variable.",
		"macro eight(x) { (x, x, x, x, x, x, x, x) }\nbegin { print(eight(eight(eight(eight(eight(eight(eight(1)))))))); }"},
	{CodeGetopt, "malformed getopt call",
		"It's getopt(\"name\"), getopt(\"name\", default) or getopt(\"name\", default, \"help\"); the name, the default and the help " +
			"are literals, and the default's type is the option's: true or false, a number, or a string.",
		"begin { print(getopt(pid)); }"},
	{CodeGetoptDefault, "option with two defaults",
		"All getopt calls of an option have the same default. Put the call into a macro to write it once.",
		"begin { print((getopt(\"n\", 1), getopt(\"n\", 2))); }"},
	{CodeGetoptHelp, "option with two help texts",
		"All getopt calls of an option have the same help, or none.",
		"begin { print((getopt(\"n\", 1, \"one\"), getopt(\"n\", 1, \"two\"))); }"},
	{CodeOptionUnknown, "unknown option of the script",
		"The script asks for no option of this name with getopt. `skep SCRIPT -h` lists those that it has; what belongs " +
			"to skep itself stands before the script.",
		""},
	{CodeOptionValue, "value doesn't fit the option",
		"The type of an option is that of its default in the script: a number, a string, or true or false. The note says " +
			"what it takes.",
		""},
	{CodePointParam, "bad positional parameter in an attach point",
		"In an attach point $1, $2 … are replaced by the arguments of the script. To have a $ itself, quote the part.",
		"uprobe:/bin/sh:$f { }"},
	{CodeInList, "malformed in_list call",
		"It's in_list(value, \"a,b,c\"); the list is a string literal or a getopt call with a string.",
		"begin { print(in_list(1, 2)); }"},
	{CodeCDirective, "malformed C directive",
		"Directives are #include, #define, #undef, #if, #ifdef, #ifndef, #elif, #else, #endif, #error and #pragma; each #if has its #endif.",
		"#ifdef\nbegin { }"},
	{CodeCError, "#error",
		"The script or a header says that it can't be used like this.",
		"#error not today\nbegin { }"},
	{CodeCHeader, "header not found",
		"Headers in quotes are looked for beside the file that includes them, then all in the directories of -I and in /usr/include. " +
			"Of the kernel's headers no files are needed: their types come from BTF.",
		"#include \"no_such_file.h\"\nbegin { }"},
	{CodeCSyntax, "C syntax error",
		"The text isn't C, or not C that a header may have. The definitions of a script itself are struct, union and enum.",
		"struct s { int; int };\nbegin { }"},
	{CodeCType, "unknown C type",
		"The type is neither defined in the script nor in the kernel's BTF.",
		"struct s { no_such_type_t x; };\nbegin { }"},
	{CodeCUnsupported, "C construct not supported",
		"Headers are read as gcc reads them, but for members that are vectors, and for macros that leave an empty member in a struct.",
		"struct s { int v __attribute__((vector_size(16))); };\nbegin { }"},
	{CodeCRecursion, "C macro uses itself",
		"The macro's text leads back to the macro.",
		"#define A B\n#define B A\nbegin { print(A); }"},
	{CodeCNoExpr, "C macro isn't an expression",
		"A C macro that's used in a script stands for an expression.",
		"#define A struct x\nbegin { print(A); }"},
	{CodeCTwice, "C type defined twice",
		"The type has two different definitions.",
		"struct s { int a; };\nstruct s { int b; };\nbegin { }"},
	{CodeHeaderLine, "malformed line of the option header",
		"Lines are `@option -s --long VALUE  help`, `@arg name [default]  help`, `@exclusive one two`, `@example command  what it does`.",
		"// tool: it does this.\n// @option timestamp\nbegin { }"},
	{CodeHeaderTwice, "option declared twice",
		"The letter or the name is already taken; -h and --help are always there.",
		"// tool: it does this.\n// @option -h --hex  print in hex\nbegin { print(getopt(\"hex\")); }"},
	{CodeHeaderNoGetopt, "option that the script never asks for",
		"The header declares the option, and the script has no getopt call for it.",
		"// tool: it does this.\n// @option -x --extra  more\nbegin { }"},
	{CodeHeaderNoOption, "getopt without an @option line",
		"The script has an option header, and so each of its options is declared there.",
		"// tool: it does this.\n// @option -x --extra  more\nbegin { print((getopt(\"extra\"), getopt(\"pid\", 0))); }"},
	{CodeHeaderMismatch, "option header and getopt differ",
		"An option without a VALUE is true or false, so its getopt has no default or false; one with a VALUE has a number or a string as its default.",
		"// tool: it does this.\n// @option -x --extra  more\nbegin { print(getopt(\"extra\", 1)); }"},
	{CodeHeaderPosition, "arguments of the header and of the script differ",
		"The @arg lines are $1, $2 … in their order: each has to be used, and none can be used that isn't declared. " +
			"An argument with a default can't stand before one without.",
		"// tool: it does this.\n// @arg pid  the process\nbegin { print($2); }"},
	{CodeParamMissing, "positional parameter not given",
		"The script was called with fewer arguments: the parameter counts as 0, or as \"\" in str().",
		"begin { print($1); }"},
	{CodeImportSkipped, "file in an imported directory passed over",
		"Everyone may write it, and a script runs with the rights of the one who starts it: this file of the " +
			"directory isn't imported. Take the permission away with chmod o-w.",
		""},
	{CodeMacroRedefinedC, "C macro defined again",
		"The later definition counts.",
		"#define A 1\n#define A 2\nbegin { print(A); }"},
}
