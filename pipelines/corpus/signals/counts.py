"""What is counted in a document: the columns of the matrix that the kernels fill."""

COUNTS = (
    "characters",
    "words",
    "blankless_words",  # of scripts without blanks: each letter with its marks
    "word_characters",
    "blankless_characters",
    "words_with_letter",
    "long_words",
    "hash_signs",
    "ellipses",
    "braces",
    "punctuation",
    "digits",
    "upper_case",
    "white_space",
    "new_lines",
    "stop_words",  # different ones; in the kernel, a bit for each
    "sentences",
    "lines",
    "bullet_lines",
    "ellipsis_lines",
    "terminal_lines",
    "short_lines",
    "javascript_lines",
    "policy_lines",
    "lorem_ipsum",
    "duplicate_lines",
    "duplicate_line_characters",
    "paragraphs",
    "duplicate_paragraphs",
    "duplicate_paragraph_characters",
    "top_2_grams",
    "top_3_grams",
    "top_4_grams",
    "duplicate_5_grams",
    "duplicate_6_grams",
    "duplicate_7_grams",
    "duplicate_8_grams",
    "duplicate_9_grams",
    "duplicate_10_grams",
)
"""Names of the columns. Those of n-grams are characters: of all occurrences of the most frequent
one, and of all occurrences that repeat an earlier one."""

(
    CHARACTERS, WORDS, BLANKLESS_WORDS, WORD_CHARACTERS, BLANKLESS_CHARACTERS,
    WORDS_WITH_LETTER, LONG_WORDS, HASH_SIGNS, ELLIPSES, BRACES, PUNCTUATIONS, DIGITS, UPPER_CASE,
    WHITE_SPACE, NEW_LINES, STOP_WORDS, SENTENCES, LINES, BULLET_LINES, ELLIPSIS_LINES,
    TERMINAL_LINES, SHORT_LINES, JAVASCRIPT_LINES, POLICY_LINES, LOREM_IPSUM, DUPLICATE_LINES,
    DUPLICATE_LINE_CHARACTERS, PARAGRAPHS, DUPLICATE_PARAGRAPHS, DUPLICATE_PARAGRAPH_CHARACTERS,
    FIRST_GRAMS,
) = range(31)  # fmt: skip
"""Places of the columns; those of n-grams begin at `FIRST_GRAMS`."""

SHORTEST_GRAM, LONGEST_TOP_GRAM, LONGEST_GRAM = 2, 4, 10
SHORT_LINE, LONG_WORD = 30, 1000
"""Most characters of a short line, and of a word that is not long."""
