/** AssemblyScript's, for the files in assembly/ that both languages read. */
declare type i32 = number;
