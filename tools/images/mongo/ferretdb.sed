# What a dump is put back with, and FerretDB 1.24 cannot do.
#
# mongorestore gives every index the option "ns", which MongoDB takes. It is let
# through, as "background" is.
s/case "background":/case "background", "ns":/
# A collection's name may have dots: the database ends at the first one.
s/parts := strings.Split(ns, ".")$/parts := strings.SplitN(ns, ".", 2)/
