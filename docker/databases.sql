-- Run once, when the database's folder is empty: one database for results, one for Prefect.
CREATE DATABASE results;
CREATE DATABASE prefect;
