// A JDBC client of the door: what an application or a desktop tool does with the driver, one line of output a step.

import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import org.postgresql.PGConnection;

public class Door {
    interface Step {
        Object run() throws SQLException;
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.setProperty("user", arguments[1]);
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("options", arguments[2]);
        properties.setProperty("sslmode", "disable");
        properties.setProperty("gssEncMode", "disable");
        for (int at = 3; at < arguments.length; at++) {
            String[] pair = arguments[at].split("=", 2);
            properties.setProperty(pair[0], pair[1]);
        }
        try (Connection connection = DriverManager.getConnection(arguments[0], properties)) {
            say("connected", () -> connection.getMetaData().getDatabaseProductName());
            say("counted", () -> one(connection, "SELECT count(*) > 0 FROM persons"));
            say("prepared", () -> prepared(connection));
            say("fetched in pieces", () -> fetched(connection));
            say("views", () -> views(connection));
            say("columns", () -> columns(connection));
            say("keys", () -> keys(connection));
            say("written", () -> connection.createStatement().executeUpdate("UPDATE persons SET phone = ''"));
            say("batch", () -> batch(connection));
            say("copied in", () -> copiedIn(connection));
            say("large object", () -> largeObject(connection));
            say("explained", () -> one(connection, "EXPLAIN SELECT * FROM persons"));
            say("timed out", () -> timedOut(connection));
            say("still there", () -> one(connection, "SELECT 1"));
        } catch (SQLException refused) {
            System.out.println("refused " + refused.getSQLState() + " " + refused.getMessage().replace('\n', ' '));
        }
    }

    static void say(String step, Step run) {
        try {
            System.out.println(step + ": " + run.run());
        } catch (SQLException error) {
            System.out.println(step + ": SQLSTATE " + error.getSQLState());
        }
    }

    static Object one(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet rows = statement.executeQuery(query)) {
            rows.next();
            return rows.getObject(1);
        }
    }

    // From the fifth execution on the driver keeps a named statement on the server.
    static Object prepared(Connection connection) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("SELECT count(*) FROM persons WHERE height_cm > ?")) {
            long last = -1;
            for (int turn = 0; turn < 12; turn++) {
                statement.setInt(1, 0);
                try (ResultSet rows = statement.executeQuery()) {
                    rows.next();
                    last = rows.getLong(1);
                }
            }
            return last == ((Number) one(connection, "SELECT count(*) FROM persons")).longValue();
        }
    }

    // A portal with a row limit: PortalSuspended again and again, and no CommandComplete before the end.
    static Object fetched(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(7);
            long rows = 0;
            try (ResultSet found = statement.executeQuery("SELECT last_name FROM persons")) {
                while (found.next()) {
                    rows++;
                }
            }
            return rows == ((Number) one(connection, "SELECT count(*) FROM persons")).longValue();
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    static Object views(Connection connection) throws SQLException {
        DatabaseMetaData metadata = connection.getMetaData();
        try (ResultSet views = metadata.getTables(null, connection.getSchema(), "%", new String[] {"VIEW"})) {
            int found = 0;
            while (views.next()) {
                found++;
            }
            return found;
        }
    }

    // Of a name in every schema, the base table's too, which has a column that nobody may read.
    static Object columns(Connection connection) throws SQLException {
        DatabaseMetaData metadata = connection.getMetaData();
        try (ResultSet columns = metadata.getColumns(null, connection.getSchema(), "persons", null)) {
            boolean name = false;
            while (columns.next()) {
                name |= columns.getString("COLUMN_NAME").equals("last_name");
                if (columns.getString("COLUMN_NAME").equals("birthplace")) {
                    return "the closed column";
                }
            }
            return name;
        }
    }

    static Object keys(Connection connection) throws SQLException {
        DatabaseMetaData metadata = connection.getMetaData();
        try (ResultSet keys = metadata.getPrimaryKeys(null, connection.getSchema(), "persons");
                ResultSet indexes = metadata.getIndexInfo(null, connection.getSchema(), "persons", false, true);
                ResultSet rights = metadata.getTablePrivileges(null, connection.getSchema(), "persons");
                ResultSet types = metadata.getTypeInfo();
                ResultSet functions = metadata.getFunctions(null, connection.getSchema(), "%")) {
            return keys.next() || indexes.next() ? "a view has none" : types.next() && !functions.next();
        }
    }

    static Object batch(Connection connection) throws SQLException {
        try (PreparedStatement statement =
                connection.prepareStatement("INSERT INTO cases (case_no) VALUES (?)")) {
            for (int turn = 0; turn < 3; turn++) {
                statement.setString(1, "JH" + turn);
                statement.addBatch();
            }
            return statement.executeBatch().length;
        } catch (BatchUpdateException refused) {
            throw refused.getNextException() == null ? refused : refused.getNextException();
        }
    }

    static Object copiedIn(Connection connection) throws SQLException {
        return connection.unwrap(PGConnection.class).getCopyAPI().copyIn("COPY cases FROM STDIN").isActive();
    }

    // The driver calls lo_open by its number: a FunctionCall, which the door refuses in its turn.
    static Object largeObject(Connection connection) throws SQLException {
        connection.setAutoCommit(false);
        try {
            return connection.unwrap(PGConnection.class).getLargeObjectAPI().open(1L).size();
        } finally {
            connection.rollback();
            connection.setAutoCommit(true);
        }
    }

    static Object timedOut(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.setQueryTimeout(1);
            statement.executeQuery("SELECT count(*) FROM generate_series(1, 2000000000)");
            return "nothing ended it";
        }
    }
}
