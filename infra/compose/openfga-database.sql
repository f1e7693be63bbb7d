-- Run once, when the server's data directory is made: OpenFGA keeps its relations beside our journal, not in it.
create database openfga;
