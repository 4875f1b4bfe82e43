# What the tokenizer stands on: PCRE2 (regular expressions) and utf8proc (normal forms of Unicode).
find_package(PkgConfig REQUIRED)
foreach(entry pcre2:libpcre2-8 utf8proc:libutf8proc)
  string(REPLACE ":" ";" entry "${entry}")
  list(GET entry 0 name)
  list(GET entry 1 module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(sinkwise_${name} ALIAS PkgConfig::${name})
endforeach()
